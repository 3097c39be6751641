/** What `npm ci --omit=dev` installs, as package-lock.json has it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const lock = join(import.meta.dirname, '../../package-lock.json')

interface Locked {
  dev?: boolean
  devOptional?: boolean
  link?: boolean
  integrity?: string
  hasInstallScript?: boolean
}

export async function productionPackages(): Promise<(Locked & { name: string })[]> {
  const { packages } = JSON.parse(await readFile(lock, 'utf8')) as {
    packages: Record<string, Locked>
  }
  return Object.entries(packages)
    .filter(
      ([path, { dev, devOptional, link }]) =>
        /^node_modules\//.test(path) && !dev && !devOptional && !link
    )
    .map(([path, locked]) => ({ name: path.replace(/^.*node_modules\//, ''), ...locked }))
}

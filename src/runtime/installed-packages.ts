/** The packages of the environment that the program runs in. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Package } from '../contract/environment-lock.ts'
import type { Variables } from './settings.ts'

export interface Installed {
  python: string
  packages: Package[]
}

const script = join(import.meta.dirname, 'installed_packages.py')
const mostPackages = 5000
const longestMilliseconds = 30_000

/** undefined where they cannot be read: no job fails for that. To be done beside other work. */
export async function installedPackages(
  python: string,
  env: Variables,
  signal: AbortSignal
): Promise<Installed | undefined> {
  try {
    const { stdout } = await execa(python, [script], {
      cwd: tmpdir(),
      env,
      cancelSignal: signal,
      extendEnv: false,
      stderr: 'ignore',
      timeout: longestMilliseconds
    })
    const read = JSON.parse(stdout) as { python: string; packages: [string, string][] }
    const packages = read.packages.slice(0, mostPackages)
    return {
      python: read.python,
      packages: packages.map(([name, version]) => ({ name, version }))
    }
  } catch {
    return undefined
  }
}

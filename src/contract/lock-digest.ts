import { createHash } from 'node:crypto'
import type { Package } from './environment-lock.ts'

/** `sha256:` of the lines `python==<version>` and `<name>==<version>`, in the order of the packages: equal for equal environments. */
export function lockDigest(python: string | null, packages: Package[]): string {
  const lines = [{ name: 'python', version: python ?? '' }, ...packages]
  const text = lines.map(({ name, version }) => `${name}==${version}\n`).join('')
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

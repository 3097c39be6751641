/** Where paths lead, links included. */
import { realpathSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** undefined where there is nothing. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

export const isBelow = (path: string, root: string): boolean =>
  path.startsWith(root.endsWith(sep) ? root : root + sep)

/** Whether no link leads away on the way from the root: a program may have put one there, to what is not its own. */
export function isInPlace(path: string, root: string): boolean {
  const real = realPath(root)
  return real !== undefined && realPath(path) === join(real, relative(root, path))
}

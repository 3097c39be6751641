/** Where paths lead, links included. */
import { realpathSync } from 'node:fs'
import { sep } from 'node:path'

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

/** Which paths lie where, and whether links lead away from there. */
import { realpathSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Paths } from '../../paths.ts'

/** Both are without links. */
export const isBelow = (path: string, root: string): boolean =>
  path.startsWith(root.endsWith(sep) ? root : root + sep)

export const isAt = (path: string, root: string): boolean => path === root || isBelow(path, root)

/** Whether it is in `folder` (DATA_DIR), which is nobody's data, or has it in it. */
export async function isOfService(path: string, folder: string, paths: Paths): Promise<boolean> {
  const own = (await paths.real(folder)) ?? folder
  return isAt(path, own) || isBelow(own, path)
}

/** Whether no link leads away on the way from the root: a program may have put one there, to what is not its own. */
export function isInPlace(path: string, root: string): boolean {
  const real = realPath(root)
  return real !== undefined && realPath(path) === join(real, relative(root, path))
}

/** undefined where there is nothing. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

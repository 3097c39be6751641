/** Paths inside an archive: relative to its root, "/" between names. */
import { posix } from 'node:path'

/** The path that `relative` means in `folder` ('' for the root); undefined where it is absolute or leaves the archive. */
export function resolveInArchive(folder: string, relative: string): string | undefined {
  if (posix.isAbsolute(relative)) return undefined
  const path = posix.join(folder, relative).replace(/\/$/, '')
  if (path === '..' || path.startsWith('../')) return undefined
  return path === '.' ? '' : path
}

/** The folder of a path, '' for the root. */
export function folderOf(path: string): string {
  const folder = posix.dirname(path)
  return folder === '.' ? '' : folder
}

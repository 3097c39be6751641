import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Canaries } from './planted.ts'

/** Every file below the folder but those that `skip` names, by their paths in it. */
export async function searchFolder(
  title: string,
  folder: string,
  canaries: Canaries,
  skip = /^$/
): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(folder, join(entry.parentPath, entry.name))
    if (entry.isFile() && !skip.test(path))
      canaries.search(`${title}, ${path},`, await readFile(join(folder, path)))
  }
}

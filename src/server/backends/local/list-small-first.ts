import { lstat, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import pMap from 'p-map'

/**
 * All that lies below a folder, as paths from there: folders first, each before what is in it, then files by their size.
 * A tar.gz can only be read from its beginning: packed so, a small file of a model is not behind the gigabytes of its weights.
 */
export async function listSmallFirst(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found = await pMap(
    entries,
    async entry => {
      const path = join(entry.parentPath, entry.name)
      const order = entry.isDirectory() ? -1 : (await lstat(path)).size
      return { path: relative(folder, path), order }
    },
    { concurrency: 8 }
  )
  return found.sort((a, b) => a.order - b.order).map(({ path }) => path)
}

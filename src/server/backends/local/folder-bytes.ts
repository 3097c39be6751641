/** The room that a folder's files take on the disk, links not followed. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** What cannot be read, or goes away meanwhile, counts as nothing. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += await folderBytes(path)
    else
      bytes += await lstat(path).then(
        ({ blocks }) => blocks * 512,
        () => 0
      )
  }
  return bytes
}

/** As the storage’s `put`, which takes the file over; here it stays, for it may have to be put again. */
import { link } from 'node:fs/promises'
import { discardFile } from '../projects/index.ts'
import type { Storage } from '../storage/index.ts'

export async function putProject(
  storage: Pick<Storage, 'put'>,
  key: string,
  { path }: { path: string },
  options: { ifAbsent: boolean }
): Promise<void> {
  const name = `${path}.put`
  await link(path, name)
  try {
    await storage.put(key, name, options)
  } finally {
    await discardFile(name)
  }
}

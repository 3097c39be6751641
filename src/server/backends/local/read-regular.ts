/** Reads a file that a program may have put there: it may be anything, and become anything while it is read. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

export interface RegularFile {
  /** Changes with the file. */
  stamp: string
  /** undefined where it has grown beyond the most that it may have. */
  text(): Promise<string | undefined>
}

/** What `use` answers; undefined where there is no regular file of no more than so many bytes. A FIFO is not waited for. */
export async function withRegular<Result>(
  path: string,
  mostBytes: number,
  use: (file: RegularFile) => Promise<Result>
): Promise<Result | undefined> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => undefined)
  if (!handle) return undefined
  try {
    const found = await handle.stat()
    if (!found.isFile() || found.size > mostBytes) return undefined
    return await use({
      stamp: `${found.ino} ${found.size} ${found.mtimeMs}`,
      text: () => readBounded(handle, mostBytes)
    })
  } finally {
    await handle.close()
  }
}

async function readBounded(handle: FileHandle, mostBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of handle.createReadStream({ autoClose: false, end: mostBytes })) {
    chunks.push(chunk)
    size += chunk.length
  }
  return size > mostBytes ? undefined : Buffer.concat(chunks).toString('utf8')
}

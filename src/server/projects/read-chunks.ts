import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UnreadableArchive } from './archive-entry.ts'
import type { SpooledFile } from './spool-upload.ts'
import { isZero } from './tar-header.ts'

/** Inflating by 1 MiB is twice as fast as by zlib's usual 16 KiB. */
const chunkSize = 2 ** 20

/** The bytes of a file. */
export const readChunks = (path: string, start = 0): AsyncIterable<Buffer> =>
  createReadStream(path, { start, highWaterMark: chunkSize })

/**
 * The bytes of a gzip file, inflated; several members are one stream. Zeros may follow it, as on a tape.
 * `spend` is told of bytes before they are handed out, and of how many were read for all that came so far.
 */
export async function* readGzip(
  file: SpooledFile,
  spend: (bytes: number, packedBytes: number) => void
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize })
  // An error of the file reaches the loop below through gunzip, which the pipeline destroys.
  pipeline(createReadStream(file.path, { highWaterMark: chunkSize }), gunzip, () => {})
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      spend(chunk.length, gunzip.bytesWritten)
      yield chunk
    }
  } catch (error) {
    throw isZlibError(error)
      ? new UnreadableArchive(`its gzip is damaged or cut short (${error.message})`)
      : error
  }
  await checkTail(file, gunzip.bytesWritten)
}

/** Whether zlib could not inflate: the fault of the bytes, not of the disk. */
export const isZlibError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && /^Z_/.test(String(error.code))

async function checkTail(file: SpooledFile, start: number): Promise<void> {
  if (start >= file.sizeBytes) {
    return
  }
  for await (const chunk of readChunks(file.path, start)) {
    if (!isZero(chunk)) {
      throw new UnreadableArchive('there are bytes after the end of the gzip')
    }
  }
}

import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { UnreadableArchive } from './archive-entry.ts'
import { joinBuffers } from './join-buffers.ts'
import { isZero } from './tar-header.ts'

const readBytes = 2 ** 20

/** What comes of it at once: twice as fast as zlib's usual 16 KiB, and as fast as 1 MiB, of which more would wait in memory. */
const chunkSize = 2 ** 18

/** What is inflated at once: a socket's 64 KiB would be four times as many trips to the thread pool. */
const inputBytes = 2 ** 18

/** The bytes of a file. */
export const readChunks = (path: string): AsyncIterable<Buffer> =>
  createReadStream(path, { highWaterMark: readBytes })

/**
 * The bytes of a gzip, inflated; several members are one stream. Zeros may follow it, as on a tape. `spend` is told of
 * bytes before they are handed out, and of how many were read for all that came so far.
 */
export async function* readGzip(
  packed: AsyncIterable<Buffer>,
  spend: (bytes: number, packedBytes: number) => void
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize })
  const input = createInput(gathered(packed))
  // An error of the input reaches the loop below through gunzip, which the pipeline destroys.
  pipeline(
    input.chunks(() => gunzip.bytesWritten),
    gunzip,
    () => {}
  )
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      spend(chunk.length, gunzip.bytesWritten)
      yield chunk
    }
    await input.checkTail(gunzip.bytesWritten)
  } catch (error) {
    throw isZlibError(error)
      ? new UnreadableArchive(`its gzip is damaged or cut short (${error.message})`)
      : error
  } finally {
    await input.close()
  }
}

async function* gathered(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    length += chunk.length
    if (length >= inputBytes) {
      yield joinBuffers(parts)
      parts = []
      length = 0
    }
  }
  if (length > 0) {
    yield joinBuffers(parts)
  }
}

/** Whether zlib could not inflate: the fault of the bytes, not of the disk. */
export const isZlibError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && /^Z_/.test(String(error.code))

/** gunzip stops at the end of the gzip: what follows is still to be looked at, and may have been handed to it already. */
function createInput(packed: AsyncIterable<Buffer>) {
  const iterator = packed[Symbol.asyncIterator]()
  let given: { start: number; chunk: Buffer }[] = []
  let end = 0

  return {
    async *chunks(readBytes: () => number): AsyncGenerator<Buffer> {
      for (;;) {
        const { done, value } = await iterator.next()
        if (done) {
          return
        }
        given = given.filter(({ start, chunk }) => start + chunk.length > readBytes())
        given.push({ start: end, chunk: value })
        end += value.length
        yield value
      }
    },
    async checkTail(tailStart: number): Promise<void> {
      for (;;) {
        const { done, value } = await iterator.next()
        if (done) {
          break
        }
        checkZero(value)
      }
      for (const { start, chunk } of given) {
        checkZero(chunk.subarray(Math.max(0, tailStart - start)))
      }
    },
    async close(): Promise<void> {
      await iterator.return?.()
    }
  }
}

function checkZero(bytes: Buffer): void {
  if (!isZero(bytes)) {
    throw new UnreadableArchive('there are bytes after the end of the gzip')
  }
}

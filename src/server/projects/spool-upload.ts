import { randomUUID } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Room } from '../disk.ts'
import { UploadTooLarge } from '../errors.ts'
import { discardFile } from './discard-file.ts'

export interface SpooledFile {
  path: string
  sizeBytes: number
}

export interface SpoolOptions {
  folder: string
  limitBytes: number
  /** Asked before each write: throws where the disk has too little left, and then the upload ends. */
  room: Room
  signal?: AbortSignal
}

/** One write a MiB: a thread-pool round trip for every 64 KiB chunk would cost half of the throughput. */
const batchBytes = 2 ** 20

/**
 * Writes the stream to a new file of a random name in `folder`, readable by its owner only. It is not yet durable: the
 * storage makes it so, once, when it takes the file over. Whatever goes wrong (a stream that fails or ends early, too),
 * the file is removed and the stream destroyed.
 * Throws UPLOAD_TOO_LARGE as soon as more than `limitBytes` have come, or when the stream says of itself that it was
 * cut (`truncated`, as the multipart parser does at its own limit).
 */
export async function spoolUpload(stream: Readable, options: SpoolOptions): Promise<SpooledFile> {
  // A stream that fails while the file is being opened must not end the process; the loop below meets the error.
  stream.on('error', () => {})
  if (options.signal) {
    addAbortSignal(options.signal, stream)
  }
  const path = join(options.folder, randomUUID())
  try {
    return { path, sizeBytes: await write(stream, path, options) }
  } catch (error) {
    stream.destroy()
    await discardFile(path)
    throw error
  }
}

async function write(
  stream: Readable,
  path: string,
  { limitBytes, room }: SpoolOptions
): Promise<number> {
  await using file = await open(path, 'wx', 0o600)
  const sink = createBatchedSink(file, room)
  let sizeBytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > limitBytes) {
      throw new UploadTooLarge(limitBytes)
    }
    await sink.write(chunk)
  }
  if ('truncated' in stream && stream.truncated === true) {
    throw new UploadTooLarge(limitBytes)
  }
  await sink.flush()
  return sizeBytes
}

/** Gathers chunks and writes a batch while the next one is gathered: one write in flight, never two. */
function createBatchedSink(file: FileHandle, room: Room) {
  let batch: Buffer[] = []
  let batched = 0
  let writing: Promise<void> = Promise.resolve()

  async function next(): Promise<void> {
    await writing
    const full = batch
    writing = room.write(batched, () => writeAll(file, full))
    // Whoever awaits it next gets the error; until then it is not an unhandled one.
    writing.catch(() => {})
    batch = []
    batched = 0
  }

  return {
    async write(chunk: Buffer): Promise<void> {
      batch.push(chunk)
      batched += chunk.length
      if (batched >= batchBytes) {
        await next()
      }
    },
    async flush(): Promise<void> {
      await next()
      await writing
    }
  }
}

/** `writev` may write less than it was given, on a disk that is nearly full for one. */
async function writeAll(file: FileHandle, chunks: Buffer[]): Promise<void> {
  let rest = chunks
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest)
    rest = withoutFirst(rest, bytesWritten)
  }
}

function withoutFirst(chunks: Buffer[], bytes: number): Buffer[] {
  let skipped = bytes
  const first = chunks.findIndex(chunk => {
    if (chunk.length > skipped) {
      return true
    }
    skipped -= chunk.length
    return false
  })
  return first < 0
    ? []
    : chunks.slice(first).map((chunk, i) => (i ? chunk : chunk.subarray(skipped)))
}

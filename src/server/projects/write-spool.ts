import { randomUUID } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Room } from '../disk.ts'
import { discardFile } from './discard-file.ts'

export interface SpooledFile {
  path: string
  sizeBytes: number
}

export interface SpoolPlace {
  folder: string
  /** Asked before each write: throws where the disk has too little left, and then the writing ends. */
  room: Room
}

/** One write a MiB: a thread-pool round trip for every 64 KiB chunk would cost half of the throughput. */
const batchBytes = 2 ** 20

/**
 * Writes the chunks to a new file of a random name in `folder`, readable by its owner only. It is not yet durable: the
 * storage makes it so, once, when it takes the file over. Whatever goes wrong, the file is removed.
 */
export async function writeSpool(
  chunks: AsyncIterable<Buffer>,
  { folder, room }: SpoolPlace
): Promise<SpooledFile> {
  const path = join(folder, randomUUID())
  try {
    return { path, sizeBytes: await write(chunks, path, room) }
  } catch (error) {
    await discardFile(path)
    throw error
  }
}

async function write(chunks: AsyncIterable<Buffer>, path: string, room: Room): Promise<number> {
  await using file = await open(path, 'wx', 0o600)
  const sink = createBatchedSink(file, room)
  let sizeBytes = 0
  for await (const chunk of chunks) {
    sizeBytes += chunk.length
    await sink.write(chunk)
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

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

/** What is written at once: a trip to the thread pool for every 64 KiB of a socket would cost half of the throughput. */
const batchBytes = 2 ** 20

/** There may be many that only wait to be inspected, each with two batches in memory. */
const waitingBatchBytes = 2 ** 16

/**
 * So much is written before the disk is asked to have it. Others who sync a small file wait for what a file system's journal
 * has of ours, and our own last sync is short.
 */
const lotBytes = 32 * 2 ** 20

/**
 * Writes the chunks to a new file of a random name in `folder`, readable by its owner only. It is not yet durable: the
 * storage makes it so when it takes the file over. One that is `kept` is on its way to the disk meanwhile. Whatever goes
 * wrong, the file is removed.
 */
export async function writeSpool(
  chunks: AsyncIterable<Buffer>,
  { folder, room }: SpoolPlace,
  { kept = false } = {}
): Promise<SpooledFile> {
  const path = join(folder, randomUUID())
  try {
    return { path, sizeBytes: await write(chunks, path, room, kept) }
  } catch (error) {
    await discardFile(path)
    throw error
  }
}

async function write(
  chunks: AsyncIterable<Buffer>,
  path: string,
  room: Room,
  kept: boolean
): Promise<number> {
  await using file = await open(path, 'wx', 0o600)
  const sync = kept ? createEarlySync(file) : undefined
  const sink = createBatchedSink(file, kept ? batchBytes : waitingBatchBytes, room, sync?.written)
  let sizeBytes = 0
  for await (const chunk of chunks) {
    sizeBytes += chunk.length
    await sink.write(chunk)
  }
  await sink.flush()
  await sync?.end()
  return sizeBytes
}

/** One sync in flight, never two: who writes faster than the disk waits for it. */
function createEarlySync(file: FileHandle) {
  let unsynced = 0
  let syncing: Promise<void> = Promise.resolve()
  return {
    async written(bytes: number): Promise<void> {
      unsynced += bytes
      if (unsynced < lotBytes) return
      await syncing
      unsynced = 0
      syncing = file.datasync()
      syncing.catch(() => {})
    },
    /** Throws what a sync did: the system tells each failure once, and not to who opens the file later. */
    end: () => syncing
  }
}

/** Gathers chunks and writes a batch while the next one is gathered: one write in flight, never two. */
function createBatchedSink(
  file: FileHandle,
  most: number,
  room: Room,
  written: (bytes: number) => Promise<void> = async () => {}
) {
  let batch: Buffer[] = []
  let batched = 0
  let writing: Promise<void> = Promise.resolve()

  async function next(): Promise<void> {
    await writing
    const full = batch
    const bytes = batched
    writing = room.write(bytes, () => writeAll(file, full)).then(() => written(bytes))
    // Whoever awaits it next gets the error; until then it is not an unhandled one.
    writing.catch(() => {})
    batch = []
    batched = 0
  }

  return {
    async write(chunk: Buffer): Promise<void> {
      batch.push(chunk)
      batched += chunk.length
      if (batched >= most) {
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

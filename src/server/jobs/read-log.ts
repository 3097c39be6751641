/** A job's log: from the backend while it keeps one, afterwards from storage; the same bytes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend } from '../backends/index.ts'
import { JobNotFound, RangeNotSatisfiable, StoreUnavailable } from '../errors.ts'
import { logKey, type Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { isTerminal } from './job.ts'
import { openLiveLog } from './open-live-log.ts'
import { readWhole } from './read-whole.ts'

const blockBytes = 128 * 1024
const pollMilliseconds = 250

export interface LogOptions {
  /** Begins with the last so many lines. */
  tail?: number | undefined
  /** Begins at this byte. */
  offset?: number | undefined
  /** At most so many bytes. */
  limit?: number | undefined
  /** Goes on until the job has ended, or the signal comes. */
  follow?: AbortSignal | undefined
  /** Each time that a job which is followed was silent for so long, an empty chunk comes. */
  idleMilliseconds?: number | undefined
}

export interface Log {
  /** The byte at which it begins. */
  offset: number
  /** How far the log reaches now. */
  sizeBytes: number
  /** The job has ended: the log will not grow. */
  complete: boolean
  /** How many bytes come; undefined where the job is followed. */
  lengthBytes: number | undefined
  /** Read only as fast as they are taken. */
  chunks: AsyncGenerator<Buffer, void>
}

export interface LogSources {
  store: Pick<Store, 'get'>
  storage: Storage
  backend: Backend
}

type Look = Pick<Log, 'sizeBytes' | 'complete'>

/** Those who follow one job share each look at how far its log reaches; each reads at its own pace. */
export function createLogReader(sources: LogSources) {
  const looks = new Map<string, Promise<Look>>()

  function nextLook(id: string): Promise<Look> {
    const shared = looks.get(id)
    if (shared) return shared
    const look = sleep(pollMilliseconds)
      .then(() => lookAt(sources, id))
      .finally(() => looks.delete(id))
    looks.set(id, look)
    return look
  }

  async function* readOn(
    id: string,
    offset: number,
    first: Look,
    { follow, idleMilliseconds = Number.POSITIVE_INFINITY }: LogOptions
  ): AsyncGenerator<Buffer, void> {
    let heardAt = performance.now()
    for (let look = first; ; look = await nextLook(id).catch(stay(look))) {
      while (offset < look.sizeBytes && !follow?.aborted) {
        const limit = Math.min(blockBytes, look.sizeBytes - offset)
        const block = await readBlock(sources, id, offset, limit, look)
        offset += block.length
        yield block
        heardAt = performance.now()
      }
      if (!follow || follow.aborted || look.complete) return
      if (performance.now() - heardAt < idleMilliseconds) continue
      yield Buffer.alloc(0)
      heardAt = performance.now()
    }
  }

  /** Throws JOB_NOT_FOUND, RANGE_NOT_SATISFIABLE, and whatever keeps the log from being read now. */
  return async function readLog(id: string, options: LogOptions): Promise<Log> {
    const look = await lookAt(sources, id)
    const { sizeBytes, complete } = look
    const { tail, limit = Number.POSITIVE_INFINITY, follow } = options
    const begin = tail === undefined ? 0 : await findTail(sources, id, look, tail)
    const offset = options.offset ?? begin
    // A log that still grows may be on its way to there, as after a restart that has to find it again.
    if (complete && offset > sizeBytes) throw new RangeNotSatisfiable(sizeBytes)
    const end = follow ? sizeBytes : Math.min(sizeBytes, offset + limit)
    return {
      ...look,
      offset,
      lengthBytes: follow ? undefined : Math.max(0, end - offset),
      chunks: readOn(id, offset, { sizeBytes: end, complete }, options)
    }
  }
}

/** Who follows outlives a store that is away, and hears nothing meanwhile. */
const stay = (look: Look) => (error: Error) => {
  if (error instanceof StoreUnavailable) return look
  throw error
}

async function lookAt({ store, storage, backend }: LogSources, id: string): Promise<Look> {
  // Asked before the log is: what is written after a job's end is not missed then.
  const job = await store.get(id)
  if (!job) throw new JobNotFound(id)
  const complete = isTerminal(job.status)
  // It is whole in storage then; another service of the same jobs may have read less of it than that.
  const live = complete ? undefined : await openLiveLog(backend, id)
  try {
    if (live) return { complete, sizeBytes: await live.sizeBytes() }
  } finally {
    await live?.close()
  }
  // It goes to storage while the job still runs as far as the store knows; a job that waits has none.
  const stored = job.status === 'queued' ? undefined : await storage.stat(logKey(id))
  return { complete, sizeBytes: stored?.sizeBytes ?? 0 }
}

/** At most `limit` bytes, at least one. Nothing is held open for readers that are slow. */
async function readBlock(
  { storage, backend }: LogSources,
  id: string,
  offset: number,
  limit: number,
  { complete }: Look
): Promise<Buffer> {
  const live = complete ? undefined : await openLiveLog(backend, id)
  try {
    const block = await live?.read(offset, limit)
    if (block?.length) return block
  } finally {
    await live?.close()
  }
  const range = { start: offset, end: offset + limit - 1 }
  const block = await readWhole(storage, logKey(id), 'the log', range)
  if (block.length === 0) throw new Error(`The log of job ${id} ends before byte ${offset}.`)
  return block
}

/** Where the last `lines` lines begin. */
async function findTail(
  sources: LogSources,
  id: string,
  look: Look,
  lines: number
): Promise<number> {
  const { sizeBytes: size } = look
  if (lines === 0) return size
  let found = 0
  for (let end = size; end > 0; end -= blockBytes) {
    const start = Math.max(0, end - blockBytes)
    const block = await readBlock(sources, id, start, end - start, look)
    for (let at = block.length - 1; at >= 0; at--) {
      const endsTheLog = start + at === size - 1
      if (block[at] === newline && !endsTheLog && ++found === lines) return start + at + 1
    }
  }
  return 0
}

const newline = 10

/** A job's log: from the backend while it keeps one, afterwards from storage; the same bytes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend, LogSource } from '../backends/index.ts'
import { logKey, type Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { isTerminal } from './job.ts'

const blockBytes = 64 * 1024
const pollMilliseconds = 250

export interface LogOptions {
  /** Only the last so many lines. */
  tail?: number
  /** Goes on until the job has ended. */
  follow: boolean
  signal: AbortSignal
}

interface Sources {
  store: Store
  storage: Storage
  backend: Backend
}

/** The log as chunks; reads on only as fast as they are taken. Throws what keeps it from being read before the first one. */
export async function readLog(
  sources: Sources,
  id: string,
  options: LogOptions
): Promise<AsyncGenerator<Buffer>> {
  return readChunks(sources, id, options, await openNow(sources, id))
}

async function* readChunks(
  sources: Sources,
  id: string,
  { tail, follow, signal }: LogOptions,
  first: Opened
): AsyncGenerator<Buffer> {
  let offset: number | undefined
  for (let opened = first; ; opened = await openNow(sources, id)) {
    const { ended, source } = opened
    try {
      if (source) offset ??= tail === undefined ? 0 : await tailOffset(source, tail)
      while (source) {
        const chunk = await source.read(offset ?? 0, blockBytes)
        if (chunk.length === 0) break
        offset = (offset ?? 0) + chunk.length
        yield chunk
        if (signal.aborted) return
      }
    } finally {
      await source?.close()
    }
    if (ended || !follow) return
    await sleep(pollMilliseconds, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
  }
}

interface Opened {
  ended: boolean
  source: LogSource | undefined
}

async function openNow(sources: Sources, id: string): Promise<Opened> {
  // Asked before the log is read: what is written after a job's end is not missed then.
  const job = await sources.store.get(id)
  const ended = !job || isTerminal(job.status)
  return { ended, source: await openLog(sources, id, ended) }
}

/** It goes to storage before the job counts as ended, and the backend forgets it afterwards: storage need not be asked sooner. */
async function openLog(
  { storage, backend }: Sources,
  id: string,
  ended: boolean
): Promise<LogSource | undefined> {
  const live = await backend.log(id)
  if (live || !ended) return live
  if (!(await storage.stat(logKey(id)))) return undefined
  return {
    close: async () => {},
    sizeBytes: async () => (await storage.stat(logKey(id)))?.sizeBytes ?? 0,
    async read(offset, limit) {
      const object = await storage.stat(logKey(id))
      if (!object || offset >= object.sizeBytes) return Buffer.alloc(0)
      const end = Math.min(offset + limit, object.sizeBytes) - 1
      return Buffer.concat(await (await storage.read(logKey(id), { start: offset, end })).toArray())
    }
  }
}

/** Where the last `lines` lines begin. */
async function tailOffset(source: LogSource, lines: number): Promise<number> {
  const size = await source.sizeBytes()
  if (lines === 0) return size
  let found = 0
  for (let end = size; end > 0; end -= blockBytes) {
    const start = Math.max(0, end - blockBytes)
    const block = await source.read(start, end - start)
    for (let at = block.length - 1; at >= 0; at--) {
      const endsTheLog = start + at === size - 1
      if (block[at] === newline && !endsTheLog && ++found === lines) return start + at + 1
    }
  }
  return 0
}

const newline = 10

/** Appends what the streams of a job have to its log. The one writer of the job's log and of the state beside it. */
import { type FileHandle, mkdir, open, truncate } from 'node:fs/promises'
import { addNews } from '../../../contract/metric-lines.ts'
import { type MetricNews, readMetricLine } from '../../../contract/read-metric-line.ts'
import type { LogCalls } from './log-calls.ts'
import { type LogPlace, loadState, saveState } from './log-state.ts'
import { createLogStream, type LogStream } from './log-stream.ts'
import { createLookout } from './lookout.ts'
import { mergeStreams } from './merge-streams.ts'

export interface Collection {
  /**
   * Reads every stream to its end as it is now, answers whether there was anything. It asks for new streams when that is
   * due, or where it must be `complete`.
   */
  round(options: { complete: boolean }): Promise<boolean>
  /** Notes that nothing more will come. */
  finish(): Promise<void>
  close(): Promise<void>
}

export interface CollectOptions {
  id: string
  place: LogPlace
  /** With several, each line says whose it is. */
  hosts: number
  pollMilliseconds: number
  calls: LogCalls
  /** Called when so many bytes of the log are certain; only they may be shown. */
  onGrowth(sizeBytes: number): void
  /** Called when its lines tell metrics; these lines are no part of the log. */
  onNews(news: MetricNews): void
}

const chunkBytes = 1024 * 1024

/** Begins where the state says, even if its writer was killed in the middle. */
export async function openCollection(options: CollectOptions): Promise<Collection> {
  const { id, place, calls } = options
  const { streams: positions, ...state } = await loadState(place)
  // What lies beyond the certain bytes was shown to nobody.
  await truncateFile(place.log, state.sizeBytes)
  const streams = new Map<string, LogStream>()
  for (const [name, position] of Object.entries(positions))
    streams.set(name, createLogStream(name, calls, position))
  const lookout = createLookout(options.hosts, options.pollMilliseconds)
  let file: FileHandle | undefined
  let pending: Buffer[] = []
  let pendingBytes = 0
  let taken = 0

  async function write(): Promise<void> {
    if (pendingBytes === 0) return
    const chunk = Buffer.concat(pending)
    pending = []
    pendingBytes = 0
    await mkdir(place.folder, { recursive: true, mode: 0o700 })
    file ??= await open(place.log, 'a', 0o600)
    await file.appendFile(chunk)
    await file.datasync()
    state.sizeBytes += chunk.length
    await save()
    options.onGrowth(state.sizeBytes)
  }

  async function save(): Promise<void> {
    const entries = [...streams].map(([name, stream]) => [name, stream.position()])
    await saveState(place, { ...state, streams: Object.fromEntries(entries) })
  }

  async function append(): Promise<void> {
    for await (const run of mergeStreams([...streams.values()])) {
      for (const { host, event } of run) {
        const lines = (event.message ?? '').split('\n').filter(isOwn)
        if (lines.length === 0) continue
        const chunk = textOf(lines, options.hosts > 1 ? host : undefined)
        pending.push(chunk)
        pendingBytes += chunk.length
      }
      taken += run.length
      if (pendingBytes >= chunkBytes) await write()
    }
  }

  /** Whether the line is the job's own; of the runtime's lines the metrics are taken. */
  function isOwn(line: string): boolean {
    const news = readMetricLine(line)
    if (!news) return true
    state.news = addNews(state.news, news)
    options.onNews(state.news)
    return false
  }

  return {
    async round({ complete }) {
      const before = taken
      if (complete || lookout.isDue(streams.size))
        for (const name of await calls.streams(id))
          if (!streams.has(name)) streams.set(name, createLogStream(name, calls))
      try {
        await append()
      } finally {
        await write()
      }
      return taken > before
    },
    async finish() {
      state.finished = true
      await mkdir(place.folder, { recursive: true, mode: 0o700 })
      await save()
    },
    async close() {
      await file?.close()
    }
  }
}

async function truncateFile(file: string, sizeBytes: number): Promise<void> {
  try {
    await truncate(file, sizeBytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** A message may hold several lines, and carriage returns, which are kept. */
function textOf(lines: string[], host: number | undefined): Buffer {
  const shown = host === undefined ? lines : lines.map(line => `[algo-${host}] ${line}`)
  return Buffer.from(`${shown.join('\n')}\n`)
}

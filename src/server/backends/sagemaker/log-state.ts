/** How far a job's log was collected: saved beside it, so that collecting goes on exactly after a crash. */
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { MetricNews } from '../../../contract/read-metric-line.ts'

/** Where reading of a stream goes on. */
export interface Position {
  /** Gives the page to read; null: the stream's first. */
  token: string | null
  /** How many events of that page, and perhaps of those behind it, were taken. */
  skip: number
  /** How many events of the stream were taken. */
  taken: number
}

export interface LogState {
  /** Bytes of the log that will never change; what the file has beyond them is of a write that was cut off. */
  sizeBytes: number
  /** The job has ended, and all that it printed is collected. */
  finished: boolean
  /** By the stream's name. */
  streams: Record<string, Position>
  /** The last metrics that its lines told; absent where they told none. */
  news?: MetricNews
}

export interface LogPlace {
  folder: string
  log: string
  state: string
}

export function logPlace(folder: string): LogPlace {
  return { folder, log: join(folder, 'log.txt'), state: join(folder, 'log-state.json') }
}

export async function loadState({ state }: LogPlace): Promise<LogState> {
  try {
    return JSON.parse(await readFile(state, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return { sizeBytes: 0, finished: false, streams: {} }
  }
}

/** Whole or not at all; what it speaks of must be on the disk before. */
export async function saveState(place: LogPlace, state: LogState): Promise<void> {
  const temporary = `${place.state}.part`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(JSON.stringify(state))
    await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(temporary, place.state)
}

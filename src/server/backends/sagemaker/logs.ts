/**
 * Logs of SageMaker jobs: collected from CloudWatch into a file by one reader a job, as long as somebody asks and once
 * more when the job has ended. Whoever asks is answered from the file.
 */
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { Metrics } from '../../../contract/metric-lines.ts'
import type { LogSource } from '../index.ts'
import { openLogFile } from '../log-file.ts'
import { type Collection, openCollection } from './collect-log.ts'
import { createLogCalls, LogsUnavailable } from './log-calls.ts'
import { type LogPlace, loadState, logPlace } from './log-state.ts'

export interface JobLogs {
  /**
   * The log as collected so far, from this machine alone; asking begins or goes on with collecting. Empty while there is
   * nothing; undefined where there is nothing and nothing will come: the job printed nothing, or was forgotten.
   */
  open(id: string): Promise<LogSource | undefined>
  /**
   * Collects to the end what an ended job has printed; answers the file, or undefined where it printed nothing. Where
   * CloudWatch cannot be read, that is said by `onProblem`, and the file is as far as it came. May be called again.
   */
  finish(id: string, endedAt: Date | undefined): Promise<string | undefined>
  /** The last metrics of what was read so far; undefined where it tells none, or rests. */
  metrics(id: string): Metrics | undefined
  /** Removes what is kept of the job's log on this machine. */
  forget(id: string): Promise<void>
  close(): Promise<void>
}

/** The number of a job's instances is known to the backend. `passing`: nothing of them is kept on this machine. */
export type CreateLogs = (hostsOf: (id: string) => number, passing: boolean) => JobLogs

export interface JobLogsOptions {
  client: CloudWatchLogsClient
  /** DATA_DIR; a job's files lie in <folder>/jobs/<id>/sagemaker/ */
  folder: string
  /** The job's number of instances. */
  hostsOf(id: string): number
  onProblem(text: string): void
  /** What nobody asks for any more is removed; when it is asked for, it is read again. */
  passing?: boolean
  /** Between two looks at the streams. */
  pollMilliseconds?: number
  /** How long after a job's end what it printed last may be on its way. */
  settleMilliseconds?: number
  /** After that time without anybody asking, reading rests. */
  restMilliseconds?: number
  /** How long calls that fail are tried again. */
  patienceMilliseconds?: number
}

interface JobLog {
  place: LogPlace
  /** The state on the disk is known. */
  ready: Promise<void>
  /** So much of it may be shown. */
  sizeBytes: number
  finished: boolean
  metrics: Metrics | undefined
  forgotten: boolean
  askedAt: number
  /** Ends the reading that is under way. */
  stop: AbortController
  /** Reads while somebody asks. */
  following?: Promise<void>
  finishing?: Promise<string | undefined>
}

const minute = 60_000

export function createJobLogs(options: JobLogsOptions): JobLogs {
  const { client, onProblem, pollMilliseconds = 2_000, settleMilliseconds = 5_000 } = options
  const { restMilliseconds = minute, patienceMilliseconds = 5 * minute } = options
  /** Those that are read, were asked for lately, or have ended. */
  const logs = new Map<string, JobLog>()
  let closed = false

  function logOf(id: string): JobLog {
    const known = logs.get(id)
    if (known) return known
    const log = createLog(logPlace(join(options.folder, 'jobs', id, 'sagemaker')))
    logs.set(id, log)
    log.ready.catch(() => logs.delete(id))
    return log
  }

  /** `read` gets what collects, as long as it takes. */
  async function collect(
    id: string,
    log: JobLog,
    read: (collection: Collection) => Promise<void>
  ): Promise<void> {
    const retry = { pauseMilliseconds: pollMilliseconds, patienceMilliseconds }
    const collection = await openCollection({
      id,
      place: log.place,
      hosts: options.hostsOf(id),
      pollMilliseconds,
      calls: createLogCalls({ client, ...retry }, log.stop.signal),
      onGrowth(sizeBytes) {
        log.sizeBytes = sizeBytes
      },
      onNews({ metrics }) {
        log.metrics = metrics
      }
    })
    try {
      await read(collection)
    } finally {
      await collection.close()
    }
  }

  async function follow(id: string, log: JobLog): Promise<void> {
    const { signal } = log.stop
    const isWanted = () => performance.now() - log.askedAt < restMilliseconds && !signal.aborted
    while (isWanted()) {
      try {
        await collect(id, log, async collection => {
          while (isWanted()) {
            await collection.round({ complete: false })
            await pause(pollMilliseconds, signal)
          }
        })
      } catch (error) {
        if (signal.aborted) break
        report(id, error)
        await pause(minute, signal)
      }
    }
    if (log.finishing || log.forgotten) return
    if (options.passing) await removeFiles(log.place)
    logs.delete(id)
  }

  async function finish(id: string, log: JobLog, endedAt: number): Promise<string | undefined> {
    log.stop.abort()
    await log.ready
    await log.following
    log.stop = new AbortController()
    if (closed || log.forgotten) log.stop.abort()
    try {
      if (!log.finished) await collect(id, log, readToEnd)
      log.finished = true
    } catch (error) {
      if (!(error instanceof LogsUnavailable)) throw error
      report(id, error)
    }
    return log.sizeBytes > 0 ? log.place.log : undefined

    async function readToEnd(collection: Collection): Promise<void> {
      for (;;) {
        const begunAt = Date.now()
        const grew = await collection.round({ complete: true })
        if (!grew && begunAt >= endedAt + settleMilliseconds) break
        await sleep(pollMilliseconds, undefined, { signal: log.stop.signal })
      }
      await collection.finish()
    }
  }

  function report(id: string, error: unknown): void {
    const { message } = error as Error
    onProblem(`The log of job ${id} cannot be collected: ${message}`)
  }

  async function end(log: JobLog): Promise<void> {
    log.stop.abort()
    await Promise.allSettled([log.ready, log.following, log.finishing])
  }

  return {
    async open(id) {
      const log = logOf(id)
      log.askedAt = performance.now()
      await log.ready
      if (log.forgotten) return undefined
      if (!log.finishing && !log.finished && !closed) log.following ??= follow(id, log)
      if (log.sizeBytes === 0) return log.finished ? undefined : nothing
      return openFile(log)
    },
    finish(id, endedAt) {
      const log = logOf(id)
      // By this machine's clock, which may be behind.
      const at = Math.min(Date.now(), endedAt?.getTime() ?? Number.POSITIVE_INFINITY)
      log.finishing ??= finish(id, log, at).finally(() => {
        if (!log.finished) delete log.finishing
      })
      return log.finishing
    },
    metrics: id => logs.get(id)?.metrics,
    async forget(id) {
      const log = logOf(id)
      log.forgotten = true
      await end(log)
      await removeFiles(log.place)
      // A request that was under way when the job was forgotten does not begin with it anew.
      setTimeout(() => logs.delete(id), minute).unref()
    },
    async close() {
      closed = true
      await Promise.all([...logs.values()].map(end))
    }
  }
}

function createLog(place: LogPlace): JobLog {
  const log: JobLog = {
    place,
    ready: loadState(place).then(({ sizeBytes, finished, news }) => {
      log.sizeBytes = sizeBytes
      log.finished = finished
      log.metrics = news?.metrics
    }),
    sizeBytes: 0,
    finished: false,
    metrics: undefined,
    forgotten: false,
    askedAt: 0,
    stop: new AbortController()
  }
  return log
}

const nothing: LogSource = {
  sizeBytes: async () => 0,
  read: async () => Buffer.alloc(0),
  close: async () => {}
}

/** Shows what is certain, and no byte more. */
async function openFile(log: JobLog): Promise<LogSource | undefined> {
  const file = await openLogFile(log.place.log)
  return (
    file && {
      sizeBytes: async () => log.sizeBytes,
      read: (offset, limit) => file.read(offset, Math.min(limit, log.sizeBytes - offset)),
      close: file.close
    }
  )
}

const pause = (milliseconds: number, signal: AbortSignal) =>
  sleep(milliseconds, undefined, { signal }).catch(() => {})

async function removeFiles({ folder, log, state }: LogPlace): Promise<void> {
  for (const file of [log, state, `${state}.part`]) await rm(file, { force: true })
  // Others may keep something there.
  await rmdir(folder).catch(() => {})
}

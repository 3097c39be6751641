/** What the loop does with one job: it starts it, moves it on by what the backend sees of it, and finishes it. */
import pLimit from 'p-limit'
import { plainFailure } from '../../contract/plain-failure.ts'
import type { Backend, Observation, StartOutcome } from '../backends/index.ts'
import { projectKey, type Storage } from '../storage/index.ts'
import { backendJob } from './backend-job.ts'
import { finishJob } from './finish-job.ts'
import type { JobRecord, JobStatus } from './job.ts'
import { maskedError, maskOf } from './mask-job.ts'
import { metricsInTime } from './metrics-in-time.ts'
import { type Changes, moveJob, type Records, updateJob } from './move-job.ts'
import { seenChanges } from './seen-changes.ts'
import type { Started } from './start-queued.ts'

export interface Steps {
  /** Answers why the job could not start, if it could not. */
  start(job: JobRecord): Promise<Started>
  stopQueued(job: JobRecord): Promise<void>
  /** `seen`: undefined where the backend knows nothing of the job. */
  advance(job: JobRecord, seen: Observation | undefined): Promise<void>
  noteReason(job: JobRecord, reason: string): Promise<void>
  /** Never throws: what could not be done is left to the next turn. */
  guarded(job: Pick<JobRecord, 'id' | 'environment'>, act: () => Promise<void>): Promise<void>
  /** Jobs that have ended and whose outputs are being taken over, which may take long: no turn waits for it. */
  finishing(): Set<string>
  isFinishing(id: string): boolean
  finished(): Promise<unknown>
}

/** Who counts what is done. */
export interface StepWatch {
  /** The job has a new status; `failure` is the kind of its failure. */
  moved(job: JobRecord, status: JobStatus, failure: string | undefined): void
  /** A job could not be moved on in this turn. */
  stumbled(): void
}

export interface StepOptions {
  storage: Storage
  backend: Backend
  /** For temporary files. */
  folder: string
  log: { info(data: object, text: string): void; error(data: object, text: string): void }
  watch?: StepWatch
}

/** The time for which this service leads, as it is now. */
export interface Leading {
  isOver(): boolean
  /** Starting a job ends at it. */
  hurry(): AbortSignal
}

const retryMilliseconds = 10_000
const finishConcurrency = 8

export function createSteps(options: StepOptions, records: Records, leading: Leading): Steps {
  const { storage, backend, log } = options
  // Waits are told by the monotonic clock: where the wall clock is set back, none gets longer.
  /** When a job whose start failed is tried again (performance.now). */
  const retryAt = new Map<string, number>()
  const finishing = new Map<string, Promise<void>>()
  const finishInTurn = pLimit(finishConcurrency)
  const metrics = metricsInTime()

  const isTooEarly = (id: string) => (retryAt.get(id) ?? 0) > performance.now()

  async function start(job: JobRecord): Promise<Started> {
    if (isTooEarly(job.id)) return { started: false }
    const start = await backend
      .start(backendJob(job, storage), leading.hurry())
      .catch(error => failedStart(job, error))
    if (start.outcome === 'later') {
      const { reason, alone } = start
      await noteReason(job, reason)
      return { started: false, ...(alone ? {} : { reason }) }
    }
    retryAt.delete(job.id)
    if (start.outcome === 'failed') {
      const failure = maskOf(job).deep(start.failure)
      await move(job, 'failed', failure.message, { failure, endedAt: new Date().toISOString() })
      return { started: false }
    }
    await move(job, 'starting', null, {})
    return { started: true }
  }

  /** The platform's fault, such as a full disk: tried again after a while, with the reason in the job. */
  async function failedStart(job: JobRecord, error: Error): Promise<StartOutcome> {
    const err = maskedError(error, maskOf(job))
    log.error({ err, job: job.id }, 'the job could not be started')
    if (!(await storage.stat(projectKey({ tenant: job.tenant, digest: job.project.digest }))))
      return { outcome: 'failed', failure: projectIsGone }
    retryAt.set(job.id, performance.now() + retryMilliseconds)
    return {
      outcome: 'later',
      reason: `It could not be started, and will be tried again: ${err.message}`
    }
  }

  async function stopQueued(job: JobRecord): Promise<void> {
    await backend.stop(job.id)
    await advance(job, (await backend.observe([job.id])).get(job.id))
  }

  async function advance(job: JobRecord, seen: Observation | undefined): Promise<void> {
    if (!seen) return startAgain(job)
    for (const { state, at, reason } of seen.steps ?? [])
      await move(job, state, reason ?? null, {}, at)
    if (seen.state === 'ended') return finish(job, seen)
    const changes = seenChanges(metrics.pass(job, seen))
    if (job.stopRequestedAt && seen.state !== 'stopping') {
      await backend.stop(job.id)
      const reason = seen.stopRefused ?? 'A stop was asked for.'
      if (job.status !== 'stopping') await move(job, 'stopping', reason, changes)
      else await update(job, { ...changes, statusReason: reason })
    } else if (seen.state !== 'unclear' && job.status !== seen.state && job.status !== 'stopping')
      await move(job, seen.state, seen.reason ?? null, changes)
    else await update(job, { ...changes, statusReason: seen.reason ?? null })
  }

  /** Its start was noted, but the backend knows nothing of it: the process died before it took the job. */
  async function startAgain(job: JobRecord): Promise<void> {
    if (job.stopRequestedAt) await backend.stop(job.id)
    else if (!isTooEarly(job.id)) {
      retryAt.set(job.id, performance.now() + retryMilliseconds)
      await backend.start(backendJob(job, storage), leading.hurry())
    }
  }

  function finish(job: JobRecord, seen: Observation): void {
    if (finishing.has(job.id)) return
    const finished = finishInTurn(() =>
      guarded(job, async () => {
        await finishJob(job, seen, { ...options, move })
        metrics.forget(job.id)
        retryAt.delete(job.id)
        await backend.forget(job.id)
      })
    ).finally(() => finishing.delete(job.id))
    finishing.set(job.id, finished)
  }

  async function guarded(
    job: Pick<JobRecord, 'id' | 'environment'>,
    act: () => Promise<void>
  ): Promise<void> {
    if (leading.isOver()) return
    try {
      await act()
    } catch (error) {
      const err = maskedError(error as Error, maskOf(job))
      log.error({ err, job: job.id }, 'the job could not be moved on; the next turn tries again')
      options.watch?.stumbled()
    }
  }

  const noteReason = async (job: JobRecord, reason: string) => {
    // Most have it from the turn before: nothing to compare or to write.
    if (job.statusReason !== reason) await update(job, { statusReason: reason })
  }
  const update = (job: JobRecord, changes: Changes) => updateJob(records, job, changes)
  async function move(
    job: JobRecord,
    status: JobStatus,
    reason: string | null,
    changes: Changes,
    happenedAt?: string
  ): Promise<void> {
    if (!(await moveJob(records, job, status, reason, changes, happenedAt))) return
    log.info({ job: job.id, status, reason }, `job ${status}`)
    options.watch?.moved(job, status, changes.failure?.kind)
  }

  return {
    start,
    stopQueued,
    advance,
    noteReason,
    guarded,
    finishing: () => new Set(finishing.keys()),
    isFinishing: id => finishing.has(id),
    finished: () => Promise.all(finishing.values())
  }
}

const projectIsGone = plainFailure('platform', 'The project is no longer in the storage.')

/**
 * The one loop that moves jobs on, and the only writer of their status. However many clients ask, the backend is asked
 * here alone. A turn begins with what the store says and what the backend sees, so a restart needs nothing else. Of
 * several services one runs it at a time, for a term; what it writes after its term is refused by the store.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import pLimit from 'p-limit'
import pMap from 'p-map'
import { plainFailure } from '../../contract/run-report.ts'
import type { Backend, Observation, StartOutcome } from '../backends/index.ts'
import { projectKey, type Storage } from '../storage/index.ts'
import type { Store, Term } from '../store/index.ts'
import type { LimitsOf } from '../tenant-limits.ts'
import { backendJob } from './backend-job.ts'
import { finishJob } from './finish-job.ts'
import { isTerminal, type JobRecord, type JobStatus } from './job.ts'
import { maskedError, maskOf } from './mask-job.ts'
import { type Changes, moveJob, type Records, updateJob } from './move-job.ts'
import { seenChanges } from './seen-changes.ts'
import { type Started, startQueued } from './start-queued.ts'
import type { Sweeper } from './sweeper.ts'

export interface Loop {
  start(): void
  /** Something may have changed: take the next turn now. */
  wake(): void
  /** Ends after the turn that is under way. */
  stop(): Promise<void>
}

/** Who counts what the loop does. */
export interface LoopWatch {
  turned(seconds: number, outcome: 'ok' | 'failed'): void
  /** The job has a new status; `failure` is the kind of its failure. */
  moved(job: JobRecord, status: JobStatus, failure: string | undefined): void
  /** A job could not be moved on in this turn. */
  stumbled(): void
}

export interface LoopOptions {
  store: Store
  storage: Storage
  backend: Backend
  /** For temporary files. */
  folder: string
  intervalMilliseconds: number
  limitsOf: LimitsOf<'runningJobs'>
  /** What is done beside the turns, as long as this service leads. */
  sweep?: Sweeper
  log: { info(data: object, text: string): void; error(data: object, text: string): void }
  watch?: LoopWatch
}

const retryMilliseconds = 10_000
/** A record is not written more often than that because of metrics alone. */
const metricsMilliseconds = 3_000

/** How many jobs in progress a turn looks at, at most. */
const inProgressInView = 10_000
/** How many jobs are looked after at once. */
const concurrency = 8
const finishConcurrency = 8

/** After the loop was told to end. */
const stopMilliseconds = 3_000

export function createLoop(options: LoopOptions): Loop {
  const { store, storage, backend, log } = options
  const ended = new AbortController()
  /** A start that hangs does not hold up the end. */
  const impatient = new AbortController()
  let waking = new AbortController()
  /** The one under way, or the last. */
  let term: Term | undefined
  /** Starting a job ends at it. */
  let hurry = impatient.signal
  let running: Promise<void> | undefined
  // Waits are told by the monotonic clock: where the wall clock is set back, none gets longer.
  /** When a job whose start failed is tried again (performance.now). */
  const retryAt = new Map<string, number>()
  /** Jobs that have ended and whose outputs are being taken over, which may take long: no turn waits for it. */
  const finishing = new Map<string, Promise<void>>()
  const finishInTurn = pLimit(finishConcurrency)
  /** When a job's metrics were taken over (performance.now). */
  const metricsAt = new Map<string, number>()

  /** Term after term. */
  async function terms(): Promise<void> {
    for (;;) {
      term = await store.lead(ended.signal)
      if (!term) return
      hurry = AbortSignal.any([impatient.signal, term.over])
      backend.open(term)
      log.info({}, 'this service moves the jobs on')
      const sweeping = options.sweep?.(AbortSignal.any([ended.signal, term.over]))
      await turns(term.over)
      await Promise.all([sweeping, ...finishing.values()])
      if (!ended.signal.aborted) {
        log.error(
          { err: term.over.reason },
          'the term is over: another service may move the jobs on'
        )
        await backend.rest()
      }
      await term.end()
    }
  }

  async function turns(over: AbortSignal): Promise<void> {
    const ending = AbortSignal.any([ended.signal, over])
    let recovered = false
    while (!ending.aborted) {
      waking = new AbortController()
      const begun = performance.now()
      const turned = (outcome: 'ok' | 'failed') =>
        options.watch?.turned((performance.now() - begun) / 1000, outcome)
      try {
        if (!recovered) await recover()
        recovered = true
        await turn()
        turned('ok')
      } catch (error) {
        turned('failed')
        log.error({ err: error }, 'a turn of the loop failed; the next one tries again')
      }
      const signal = AbortSignal.any([waking.signal, ending])
      await sleep(options.intervalMilliseconds, undefined, { signal }).catch(() => {})
    }
  }

  /**
   * Without those that are being finished, whose records are behind what is so. Who they are is asked first: one that is
   * finished afterwards is left alone in this turn, and one that was finished before is terminal in the store.
   */
  async function oldest(statuses: JobStatus[], limit: number): Promise<JobRecord[]> {
    const busy = new Set(finishing.keys())
    const jobs = await store.oldest(statuses, limit)
    return jobs.filter(({ id }) => !busy.has(id))
  }

  /** Jobs that were started by a service that died before it could note it, and folders that it could not remove. */
  async function recover(): Promise<void> {
    for (const id of await backend.kept())
      await guarded({ id, environment: {} }, async () => {
        const job = await store.get(id)
        if (job?.status === 'queued') await advance(job, (await backend.observe([id])).get(id))
        else if (!job || isTerminal(job.status)) await backend.forget(id)
      })
  }

  async function turn(): Promise<void> {
    const jobs = await oldest(['starting', 'running', 'stopping'], inProgressInView)
    const seen = await backend.observe(jobs.map(job => job.id))
    await pMap(jobs, job => guarded(job, () => advance(job, seen.get(job.id))), { concurrency })
    const more = await startQueued(jobs, {
      store,
      backend,
      limitsOf: options.limitsOf,
      isBusy: id => finishing.has(id),
      start: startJob,
      stop: stopQueued,
      noteReason,
      guarded
    })
    if (more) waking.abort()
  }

  /** Answers why it could not start, if it could not. */
  async function startJob(job: JobRecord): Promise<Started> {
    if ((retryAt.get(job.id) ?? 0) > performance.now()) return { started: false }
    const start = await backend
      .start(backendJob(job, storage), hurry)
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
    if (!seen) {
      // Its start was noted, but the backend knows nothing of it: the process died before it took the job.
      if (job.stopRequestedAt) await backend.stop(job.id)
      else if ((retryAt.get(job.id) ?? 0) <= performance.now()) {
        retryAt.set(job.id, performance.now() + retryMilliseconds)
        await backend.start(backendJob(job, storage), hurry)
      }
      return
    }
    for (const { state, at, reason } of seen.steps ?? [])
      await move(job, state, reason ?? null, {}, at)
    if (seen.state === 'ended') return finish(job, seen)
    const changes = seenChanges(withMetricsInTime(job, seen))
    if (job.stopRequestedAt && seen.state !== 'stopping') {
      await backend.stop(job.id)
      const reason = seen.stopRefused ?? 'A stop was asked for.'
      if (job.status !== 'stopping') await move(job, 'stopping', reason, changes)
      else await update(job, { ...changes, statusReason: reason })
    } else if (seen.state !== 'unclear' && job.status !== seen.state && job.status !== 'stopping')
      await move(job, seen.state, seen.reason ?? null, changes)
    else await update(job, { ...changes, statusReason: seen.reason ?? null })
  }

  /** Metrics may have changed at every look. */
  function withMetricsInTime({ id, metrics }: JobRecord, seen: Observation): Observation {
    if (!seen.metrics || isDeepStrictEqual(seen.metrics, metrics)) return seen
    const now = performance.now()
    const { metrics: _, ...others } = seen
    if (now - (metricsAt.get(id) ?? -Infinity) < metricsMilliseconds) return others
    metricsAt.set(id, now)
    return seen
  }

  function finish(job: JobRecord, seen: Observation): void {
    if (finishing.has(job.id)) return
    const finished = finishInTurn(() =>
      guarded(job, async () => {
        await finishJob(job, seen, { ...options, move })
        metricsAt.delete(job.id)
        await backend.forget(job.id)
      })
    ).finally(() => finishing.delete(job.id))
    finishing.set(job.id, finished)
  }

  async function guarded(
    job: Pick<JobRecord, 'id' | 'environment'>,
    act: () => Promise<void>
  ): Promise<void> {
    if (term?.over.aborted) return
    try {
      await act()
    } catch (error) {
      const err = maskedError(error as Error, maskOf(job))
      log.error({ err, job: job.id }, 'the job could not be moved on; the next turn tries again')
      options.watch?.stumbled()
    }
  }

  const records: Records = {
    get: store.get,
    save: async job => term?.save(job)
  }
  const noteReason = (job: JobRecord, reason: string) => update(job, { statusReason: reason })
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
    start() {
      backend.onChange(() => waking.abort())
      running ??= terms()
    },
    wake: () => waking.abort(),
    async stop() {
      ended.abort()
      const timer = setTimeout(() => impatient.abort(), stopMilliseconds)
      await running
      clearTimeout(timer)
    }
  }
}

const projectIsGone = plainFailure('platform', 'The project is no longer in the storage.')

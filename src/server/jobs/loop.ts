/**
 * The one loop that moves jobs on, and the only writer of their status. However many clients ask, the backend is asked
 * here alone. A turn begins with what the store says and what the backend sees, so a restart needs nothing else. Of
 * several services one runs it at a time, for a term; what it writes after its term is refused by the store.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'
import type { Store, Term } from '../store/index.ts'
import type { LimitsOf } from '../tenant-limits.ts'
import { isTerminal, type JobRecord, type JobStatus } from './job.ts'
import { startQueued } from './start-queued.ts'
import { createSteps, type StepOptions, type StepWatch } from './steps.ts'
import type { Sweeper } from './sweeper.ts'

export interface Loop {
  start(): void
  /** Something may have changed: take the next turn now. */
  wake(): void
  /** Ends after the turn that is under way. */
  stop(): Promise<void>
}

/** Who counts what the loop does. */
export interface LoopWatch extends StepWatch {
  turned(seconds: number, outcome: 'ok' | 'failed'): void
}

export interface LoopOptions extends StepOptions {
  store: Store
  intervalMilliseconds: number
  limitsOf: LimitsOf<'runningJobs'>
  /** What is done beside the turns, as long as this service leads. */
  sweep?: Sweeper
  watch?: LoopWatch
}

/** How many jobs in progress a turn looks at, at most. */
const inProgressInView = 10_000
/** How many jobs are looked after at once. */
const concurrency = 8

/** After the loop was told to end. */
const stopMilliseconds = 3_000

export function createLoop(options: LoopOptions): Loop {
  const { store, backend, log } = options
  const ended = new AbortController()
  /** A start that hangs does not hold up the end. */
  const impatient = new AbortController()
  let waking = new AbortController()
  /** The one under way, or the last. */
  let term: Term | undefined
  /** Starting a job ends at it. */
  let hurry = impatient.signal
  let running: Promise<void> | undefined
  const steps = createSteps(
    options,
    { get: store.get, save: async job => term?.save(job) },
    { isOver: () => term?.over.aborted ?? false, hurry: () => hurry }
  )

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
      await Promise.all([sweeping, steps.finished()])
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
    const busy = steps.finishing()
    const jobs = await store.oldest(statuses, limit)
    return jobs.filter(({ id }) => !busy.has(id))
  }

  /** Jobs that were started by a service that died before it could note it, and folders that it could not remove. */
  async function recover(): Promise<void> {
    for (const id of await backend.kept())
      await steps.guarded({ id, environment: {} }, async () => {
        const job = await store.get(id)
        if (job?.status === 'queued')
          await steps.advance(job, (await backend.observe([id])).get(id))
        else if (!job || isTerminal(job.status)) await backend.forget(id)
      })
  }

  async function turn(): Promise<void> {
    const jobs = await oldest(['starting', 'running', 'stopping'], inProgressInView)
    const seen = await backend.observe(jobs.map(job => job.id))
    await pMap(jobs, job => steps.guarded(job, () => steps.advance(job, seen.get(job.id))), {
      concurrency
    })
    const more = await startQueued(jobs, {
      ...steps,
      store,
      backend,
      limitsOf: options.limitsOf,
      isBusy: steps.isFinishing,
      stop: steps.stopQueued
    })
    if (more) waking.abort()
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

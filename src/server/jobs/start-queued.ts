/**
 * Starts queued jobs, first come, first served. What the first one of a queue waits for, all behind it wait for; jobs of a
 * tenant that has as many as it may hold up nobody. They are looked at page by page, and no further than it is of use:
 * however many wait, requests are answered meanwhile.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import type { Backend } from '../backends/index.ts'
import type { Store } from '../store/index.ts'
import type { LimitsOf } from '../tenant-limits.ts'
import type { JobRecord } from './job.ts'
import { stopQueued } from './stop-queued.ts'

export interface QueuedOptions {
  store: Pick<Store, 'oldest'>
  backend: Pick<Backend, 'queueOf'>
  limitsOf: LimitsOf<'runningJobs'>
  /** What is not to be looked at now. */
  isBusy(id: string): boolean
  /** Answers why it could not start, if it could not. */
  start(job: JobRecord): Promise<Started>
  stop(job: JobRecord): Promise<void>
  noteReason(job: JobRecord, reason: string): Promise<void>
  /** Never throws. */
  guarded(job: JobRecord, act: () => Promise<void>): Promise<void>
  /** How long stopping may take, and starting: after that time those that run are looked after again. */
  milliseconds?: { stop: number; start: number }
}

const turnMilliseconds = { stop: 1_000, start: 2_000 }

/** `reason`: why it did not start, and why others of its queue do not. */
export interface Started {
  started: boolean
  reason?: string
}

const pageJobs = 200
/** How many are looked at in a turn, at most. */
const mostJobs = 10_000

/** `inProgress`: all jobs that are. Answers whether there may be more to stop or to start at once. */
export async function startQueued(
  inProgress: JobRecord[],
  options: QueuedOptions
): Promise<boolean> {
  const { milliseconds = turnMilliseconds } = options
  const moreToStop = await stopQueued({ ...options, milliseconds: milliseconds.stop })
  const moreToStart = await startOldest(inProgress, options, milliseconds.start)
  return moreToStop || moreToStart
}

async function startOldest(
  inProgress: JobRecord[],
  options: QueuedOptions,
  milliseconds: number
): Promise<boolean> {
  const { store, guarded, isBusy } = options
  const pass = createPass(inProgress, options, milliseconds)
  let after: string | undefined
  for (let looked = 0; looked < mostJobs; looked += pageJobs) {
    // On the first page, those of a full tenant are told so.
    const notOf = after === undefined ? [] : pass.fullTenants()
    const page = await store.oldest(['queued'], pageJobs, { after, notOf })
    for (const job of page) {
      if (job.stopRequestedAt || isBusy(job.id)) continue
      if (pass.isLate()) return true
      await guarded(job, () => pass.take(job))
    }
    if (page.length < pageJobs || pass.isOver()) return false
    after = page.at(-1)?.id
    await breathe()
  }
  return false
}

function createPass(inProgress: JobRecord[], options: QueuedOptions, milliseconds: number) {
  const { backend, limitsOf, start, noteReason } = options
  const counts = new Map<string, number>()
  const reasons = new Map<string, string>()
  const begun = performance.now()
  const count = ({ tenant }: JobRecord) => counts.set(tenant, (counts.get(tenant) ?? 0) + 1)
  const mostOf = (tenant: string) => limitsOf(tenant).runningJobs
  const isFull = (tenant: string) => (counts.get(tenant) ?? 0) >= mostOf(tenant)
  inProgress.forEach(count)

  return {
    fullTenants: () => [...counts.keys()].filter(isFull),
    isLate: () => performance.now() - begun > milliseconds,
    /** All that wait for the same thing wait for it. */
    isOver: () => reasons.has(''),

    async take(job: JobRecord): Promise<void> {
      const queue = backend.queueOf(job.resources)
      const { tenant } = job
      const waitingFor = isFull(tenant) ? tenantIsFull(mostOf(tenant)) : reasons.get(queue)
      if (waitingFor !== undefined) return noteReason(job, waitingFor)
      const { started, reason } = await start(job)
      if (started) count(job)
      if (reason !== undefined) reasons.set(queue, reason)
    }
  }
}

const tenantIsFull = (most: number) =>
  `Waiting for another job of the same tenant to end: ${most === 1 ? 'one is' : `${most} are`} in progress, as many as may be.`

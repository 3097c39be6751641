/** Changes a job's record against concurrent changes (a stop that is asked for); used by the loop alone. */
import { isDeepStrictEqual } from 'node:util'
import type { Store } from '../store/index.ts'
import { withoutSecrets } from './environment.ts'
import { canMove, isTerminal, type JobRecord, type JobStatus } from './job.ts'

export type Changes = Partial<
  Pick<
    JobRecord,
    | 'statusReason'
    | 'startedAt'
    | 'endedAt'
    | 'billableSeconds'
    | 'failure'
    | 'mlflowRun'
    | 'metrics'
    | 'model'
    | 'keptBytes'
    | 'warnings'
  >
> & { backendStatus?: string; backendDetails?: Record<string, string> }

/** Where the loop reads records and writes them back. */
export type Records = Pick<Store, 'get' | 'save'>

/** Moves the job forward and notes time and reason; false where that would be backwards, and nothing is done. */
export async function moveJob(
  store: Records,
  job: JobRecord,
  status: JobStatus,
  reason: string | null,
  changes: Changes,
  /** When it happened, where that is known; never before the transition before. */
  happenedAt = new Date().toISOString()
): Promise<boolean> {
  return change(store, job, now => {
    if (!canMove(now.status, status)) return now
    const before = now.transitions.at(-1)?.at ?? happenedAt
    const at = happenedAt > before ? happenedAt : before
    const transitions = [...now.transitions, { status, reason, at }]
    const endRecordedAt = isTerminal(status) ? new Date().toISOString() : null
    // Nothing needs them any more.
    const environment = isTerminal(status) ? withoutSecrets(now.environment) : now.environment
    return {
      ...apply(now, changes),
      environment,
      status,
      statusReason: reason,
      transitions,
      endRecordedAt
    }
  })
}

/** Notes what changed while the status stays. */
export async function updateJob(store: Records, job: JobRecord, changes: Changes): Promise<void> {
  await change(store, job, now => apply(now, changes))
}

function apply(job: JobRecord, { backendStatus, backendDetails, ...changes }: Changes): JobRecord {
  const status = backendStatus ?? job.backend.status
  const details = { ...job.backend.details, ...backendDetails }
  return { ...job, ...changes, backend: { ...job.backend, status, details } }
}

async function change(
  store: Records,
  job: JobRecord,
  next: (now: JobRecord) => JobRecord
): Promise<boolean> {
  let now: JobRecord | undefined = job
  while (now) {
    const changed = next(now)
    if (isDeepStrictEqual(changed, now)) return false
    if (await store.save(changed)) return true
    now = await store.get(job.id)
  }
  return false
}

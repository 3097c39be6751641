/** Looks whether SageMaker has a training job of this name: from before a crash, from a request whose answer was lost, or another's. */
import type { BackendJob } from '../index.ts'
import { isMadeFor } from './create-request.ts'
import { type Entry, type JobTable, newEntry } from './job-table.ts'
import type { Poller } from './poller.ts'

export type Earlier = { found: 'ours'; entry: Entry } | { found: 'anothers' } | { found: 'none' }

/** Ours is looked after from now on. Throws where SageMaker does not answer. */
export async function findEarlier(
  job: BackendJob,
  { table, poller }: { table: JobTable; poller: Poller }
): Promise<Earlier> {
  const entry = newEntry(job.id, { exists: false, lookAt: Date.now() })
  await poller.look(entry)
  if (!entry.described) return { found: 'none' }
  if (!isMadeFor(job, entry.described)) return { found: 'anothers' }
  table.add(entry)
  return { found: 'ours', entry }
}

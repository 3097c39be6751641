/** Looks whether SageMaker has a training job of this name: from before a crash, from a request whose answer was lost, or another's. */
import type { BackendJob } from '../index.ts'
import { isMadeFor } from './create-request.ts'
import type { Entry, JobTable } from './job-table.ts'
import type { Poller } from './poller.ts'

export type Earlier = { found: 'ours'; entry: Entry } | { found: 'anothers' } | { found: 'none' }

/** Ours is looked after from now on. Throws where SageMaker does not answer. */
export async function findEarlier(
  job: BackendJob,
  { table, poller }: { table: JobTable; poller: Poller }
): Promise<Earlier> {
  const entry = table.add(job.id, { exists: false, lookAt: Date.now() })
  try {
    await poller.look(entry)
    if (entry.described && isMadeFor(job, entry.described)) return { found: 'ours', entry }
  } catch (error) {
    table.delete(job.id)
    throw error
  }
  table.delete(job.id)
  return { found: entry.described ? 'anothers' : 'none' }
}

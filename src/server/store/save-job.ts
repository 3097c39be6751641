/** Writes a job's record back, if nobody has changed it since it was read. */
import { type Kysely, sql } from 'kysely'
import type { JobRecord } from '../jobs/job.ts'
import { changingColumns } from './job-row.ts'
import type { Tables } from './migrations.ts'

/**
 * Answers the record with its new version; undefined where it was changed. With a token, also undefined where that is not
 * the leader's any more: the same statement holds the leader's row, so that nobody takes over before it is done.
 */
export async function saveJob(
  database: Kysely<Tables>,
  job: JobRecord,
  token?: number
): Promise<JobRecord | undefined> {
  const version = job.version + 1
  const row = await database
    .updateTable('jobs')
    .set({ version, ...changingColumns(job) })
    .where('id', '=', job.id)
    .where('version', '=', job.version)
    .$if(token !== undefined, update => update.where(isLeader(token)))
    .returning('stop_requested_at')
    .executeTakeFirst()
  return row && { ...job, version, stopRequestedAt: row.stop_requested_at }
}

const isLeader = (token: number | undefined) =>
  sql<boolean>`exists (select from leadership where token = ${token} for key share)`

/** How many jobs there are in each status. */
import type { Kysely } from 'kysely'
import { JobStatus } from '../jobs/job.ts'
import { filtered } from './filtered.ts'
import type { JobFilter } from './index.ts'
import type { Tables } from './migrations.ts'

type Counted = Pick<JobFilter, 'tenant' | 'status'>

/** Counts them. */
export async function countJobs(database: Kysely<Tables>, filter: Counted) {
  const counts = await filtered(database.selectFrom('jobs'), filter)
    .select(({ fn }) => ['status', fn.countAll().as('count')])
    .groupBy('status')
    .execute()
  return byStatus(counts)
}

/** As the database keeps it (sqlite-counts.ts). */
export async function keptCounts(database: Kysely<Tables>, { tenant, status }: Counted) {
  const counts = await database
    .selectFrom('job_counts')
    .$if(tenant !== undefined, counts => counts.where('tenant', '=', tenant ?? ''))
    .$if(status !== undefined, counts => counts.where('status', 'in', status ?? []))
    .select(({ fn }) => ['status', fn.sum('count').as('count')])
    .groupBy('status')
    .execute()
  return byStatus(counts)
}

function byStatus(counts: { status: string; count: string | number | bigint }[]) {
  const found = new Map(counts.map(({ status, count }) => [status, Number(count)]))
  return Object.fromEntries(
    JobStatus.enum.map(status => [status, found.get(status) ?? 0])
  ) as Record<JobStatus, number>
}

/**
 * Rows of jobs that meet a filter, newest first. A page is to cost the same however many jobs there are: each question is
 * put so that an index leads to its rows in their order, and the database stops where the page is full.
 */
import { type Kysely, sql } from 'kysely'
import { filtered, type SelectedJobs } from './filtered.ts'
import type { JobQuery } from './index.ts'
import type { Row } from './job-row.ts'
import type { Tables } from './migrations.ts'

export async function listRows(database: Kysely<Tables>, query: JobQuery): Promise<Row[]> {
  const { status, tags = [], limit } = query
  if (status?.length === 0) return []
  if (!status || status.length === 1 || tags.length > 0) return pageOf(database, query).execute()
  // No index has the jobs of several statuses in their order; it has those of each.
  const [first, ...others] = [...new Set(status)].map(one => ({ ...query, status: [one] }))
  const page = (one = query) => database.selectFrom(pageOf(database, one).as('page')).selectAll()
  const all = others.reduce((some, one) => some.unionAll(page(one)), page(first))
  return all.orderBy('id', 'desc').limit(limit).execute()
}

function pageOf(database: Kysely<Tables>, { limit, tags = [], ...filter }: JobQuery) {
  const tagged = tags.length > 0
  return filtered(
    tagged ? withTags(database, filter.tenant, tags) : database.selectFrom('jobs'),
    filter
  )
    .select(['jobs.id', 'stop_requested_at', 'version', 'document'])
    .orderBy(tagged ? sql.ref('job_tags.job_id') : 'jobs.id', 'desc')
    .limit(limit)
}

/**
 * The first tag leads to the jobs: SQLite takes the tables of a cross join in the order in which they stand. They are put
 * in the order of its ids, which only there is known to be that of the jobs'.
 */
function withTags(
  database: Kysely<Tables>,
  tenant: string | undefined,
  tags: [key: string, value: string][]
): SelectedJobs<object> {
  const conditions = tags.map(([key, value], n) => {
    const tag = sql.table(n === 0 ? 'job_tags' : 'other')
    const ours = tenant === undefined ? sql`` : sql`and ${tag}.tenant = ${tenant}`
    const found = sql`${tag}.job_id = jobs.id and ${tag}.key = ${key} and ${tag}.value = ${value} ${ours}`
    return n === 0
      ? sql<boolean>`${found}`
      : sql<boolean>`exists (select 1 from job_tags as other where ${found})`
  })
  const jobs = database.selectFrom('job_tags').crossJoin('jobs')
  const all = conditions.reduce((some, condition) => some.where(condition), jobs)
  // Kysely's type has the columns of both tables, which no type of one table takes; filters speak of jobs alone.
  return all as unknown as SelectedJobs<object>
}

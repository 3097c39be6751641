/** The conditions that a filter puts on jobs. */
import type { SelectQueryBuilder } from 'kysely'
import { encodeTime } from 'ulid'
import type { JobQuery } from './index.ts'
import type { Tables } from './migrations.ts'

export type SelectedJobs<Output> = SelectQueryBuilder<Tables, 'jobs', Output>

export function filtered<Output>(
  query: SelectedJobs<Output>,
  filter: Omit<JobQuery, 'tags' | 'limit'>
): SelectedJobs<Output> {
  const { tenant, status, name, project, batch, createdAfter, createdBefore, before } = filter
  let found = query
  if (tenant !== undefined) found = found.where('jobs.tenant', '=', tenant)
  if (status) found = found.where('status', 'in', status)
  if (name !== undefined) found = found.where('name', '=', name)
  if (project !== undefined) found = found.where('project_digest', '=', project)
  if (batch !== undefined) found = found.where('batch', '=', batch)
  if (createdAfter !== undefined)
    found = found
      .where('created_at', '>', createdAfter)
      .where('jobs.id', '>', idOf(Date.parse(createdAfter) - clocksMilliseconds))
  const olderThan = before === undefined ? [] : [before]
  if (createdBefore !== undefined) {
    found = found.where('created_at', '<', createdBefore)
    olderThan.push(idOf(Date.parse(createdBefore) + clocksMilliseconds))
  }
  // Only the lower one: SQLite searches by one bound, and would pass over all that are between it and a page far behind it.
  const [lower] = olderThan.sort()
  if (lower !== undefined) found = found.where('jobs.id', '<', lower)
  return found
}

/** By so much an id's time may be later than `createdAt`, where a clock was set back meanwhile (`next-id.ts`), with room to spare. */
const clocksMilliseconds = 60 * 60_000

/**
 * Less than the ids of all jobs made from then on, and greater than all others: they begin with their time, and an index
 * leads to them, where a time of its own would be looked for among all that are younger.
 */
const idOf = (milliseconds: number) =>
  `job-${encodeTime(Math.min(Math.max(0, milliseconds), lastTime)).toLowerCase()}`

/** The last that an id can tell (milliseconds since 1970). */
const lastTime = 2 ** 48 - 1

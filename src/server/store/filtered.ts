/** The conditions that a filter puts on jobs. */
import type { SelectQueryBuilder } from 'kysely'
import type { JobFilter } from './index.ts'
import type { Tables } from './migrations.ts'

export type SelectedJobs<Output> = SelectQueryBuilder<Tables, 'jobs', Output>

export function filtered<Output>(
  query: SelectedJobs<Output>,
  filter: Omit<JobFilter, 'tags'>
): SelectedJobs<Output> {
  const { tenant, status, name, project, batch, createdAfter, createdBefore } = filter
  let found = query
  if (tenant !== undefined) found = found.where('jobs.tenant', '=', tenant)
  if (status) found = found.where('status', 'in', status)
  if (name !== undefined) found = found.where('name', '=', name)
  if (project !== undefined) found = found.where('project_digest', '=', project)
  if (batch !== undefined) found = found.where('batch', '=', batch)
  if (createdAfter !== undefined) found = found.where('created_at', '>', createdAfter)
  if (createdBefore !== undefined) found = found.where('created_at', '<', createdBefore)
  return found
}

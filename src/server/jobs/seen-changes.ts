/** What an observation says that a job's record keeps, whatever the job's status. */
import type { Observation } from '../backends/index.ts'
import type { Changes } from './move-job.ts'

export function seenChanges(seen: Observation): Changes {
  const changes: Changes = { backendStatus: seen.status }
  if (seen.details) changes.backendDetails = seen.details
  if (seen.startedAt) changes.startedAt = seen.startedAt
  if (seen.billableSeconds !== undefined) changes.billableSeconds = seen.billableSeconds
  if (seen.run) changes.mlflowRun = seen.run
  if (seen.metrics) changes.metrics = seen.metrics
  return changes
}

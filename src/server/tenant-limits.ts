/** What one tenant may have of the service, so that others have the rest. Infinity: as much as there is. */
export interface TenantLimits {
  /** Of all of its callers together. */
  requestsPerMinute: number
  /** Submissions and projects that are read and checked at once. */
  uploads: number
  /** Beyond it submissions are refused. */
  queuedJobs: number
  /** In progress at once; more of them wait. */
  runningJobs: number
}

export const noTenantLimits: TenantLimits = {
  requestsPerMinute: Infinity,
  uploads: Infinity,
  queuedJobs: Infinity,
  runningJobs: Infinity
}

/** What one tenant may have of the service, so that others have the rest. Infinity: as much as there is. */
export interface TenantLimits {
  /** Of all of its callers together. */
  requestsPerMinute: number
}

export const noTenantLimits: TenantLimits = { requestsPerMinute: Infinity }

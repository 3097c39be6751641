/** What one tenant may have of the service, so that others have the rest. */
import { type Static, Type } from 'typebox'

/** Infinity: as much as there is. */
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

/** May be another one at each call: limits change while the service runs. */
export type LimitsOf<Kind extends keyof TenantLimits = keyof TenantLimits> = (
  tenant: string
) => Pick<TenantLimits, Kind>

const Limit = Type.Optional(
  Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER
  })
)

/** What one tenant has instead of what all have. null: as much as there is. */
export const OwnLimits = Type.Object(
  { requestsPerMinute: Limit, uploads: Limit, queuedJobs: Limit, runningJobs: Limit },
  { additionalProperties: false }
)
export type OwnLimits = Static<typeof OwnLimits>

export function withOwn(limits: TenantLimits, own: OwnLimits = {}): TenantLimits {
  const entries = Object.entries(own).map(([name, limit]) => [name, limit ?? Infinity])
  return { ...limits, ...Object.fromEntries(entries) }
}

export const noTenantLimits: TenantLimits = {
  requestsPerMinute: Infinity,
  uploads: Infinity,
  queuedJobs: Infinity,
  runningJobs: Infinity
}

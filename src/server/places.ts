/** How many requests of a kind are worked on at once: beyond that they are refused, so that memory and files have a bound. */
import { ServiceBusy, TenantBusy, TooManyWaiting } from './errors.ts'
import { type LimitsOf, noTenantLimits } from './tenant-limits.ts'

export interface OpenLimits {
  /** Submissions and projects, from their headers to their answer. */
  uploads: number
  /** Of models and of their files; stored projects that are read for an answer. */
  downloads: number
  /** For a job's next change. */
  waiters: number
  /** Of a log. */
  followers: number
}

export type PlaceKind = keyof OpenLimits
export const placeKinds = ['uploads', 'downloads', 'waiters', 'followers'] as const

export interface Places {
  limits: OpenLimits
  /**
   * Answers what gives the place back; only its first call counts. Throws SERVICE_BUSY where the service is full, and
   * TOO_MANY_WAITING where callers can do without; with a tenant, TENANT_BUSY where it has as many uploads as it may.
   */
  take(kind: PlaceKind, tenant?: string): () => void
  taken(kind: PlaceKind): number
}

export function createPlaces(
  limits: OpenLimits,
  limitsOf: LimitsOf<'uploads'> = () => noTenantLimits
): Places {
  const taken = { uploads: 0, downloads: 0, waiters: 0, followers: 0 }
  const uploadsOf = new Map<string, number>()

  function takeOfTenant(tenant: string): () => void {
    const before = uploadsOf.get(tenant) ?? 0
    const { uploads } = limitsOf(tenant)
    if (before >= uploads) throw new TenantBusy(uploads, tenant)
    uploadsOf.set(tenant, before + 1)
    return () => {
      const left = (uploadsOf.get(tenant) ?? 1) - 1
      if (left > 0) uploadsOf.set(tenant, left)
      else uploadsOf.delete(tenant)
    }
  }

  return {
    limits,
    taken: kind => taken[kind],
    take(kind, tenant) {
      const give = kind === 'uploads' && tenant !== undefined ? takeOfTenant(tenant) : () => {}
      if (taken[kind] >= limits[kind]) {
        give()
        throw refusal(kind, limits[kind])
      }
      taken[kind]++
      let given = false
      return () => {
        if (given) return
        given = true
        taken[kind]--
        give()
      }
    }
  }
}

const refusal = (kind: PlaceKind, limit: number) =>
  kind === 'uploads' || kind === 'downloads'
    ? new ServiceBusy(`${limit} ${kind} are under way, as many as the service works on at once.`)
    : new TooManyWaiting(`${limit} ${kind} are here, as many as the service holds at once.`)

/** How many jobs may wait at once: of one tenant, and of all. */
import { QueueFull, TenantQueueFull } from '../errors.ts'
import type { Store } from '../store/index.ts'
import type { LimitsOf } from '../tenant-limits.ts'

/**
 * Throws TENANT_QUEUE_FULL or QUEUE_FULL where so many jobs more would be beyond a limit. Submissions that come together do
 * not see each other: the queue may go beyond it by what each of them brings.
 */
export type CheckQueue = (jobs?: number) => Promise<void>

export interface QueueLimits {
  queuedJobs: number
  limitsOf: LimitsOf<'queuedJobs'>
}

export const limitQueue =
  (
    store: Pick<Store, 'summary'>,
    { queuedJobs, limitsOf }: QueueLimits,
    tenant: string
  ): CheckQueue =>
  async (jobs = 1) => {
    const status = ['queued' as const]
    const { queuedJobs: ofTenant } = limitsOf(tenant)
    if (ofTenant !== Infinity) {
      const { queued } = await store.summary({ tenant, status })
      if (queued + jobs > ofTenant) throw new TenantQueueFull(queued, tenant, ofTenant)
    }
    const { queued } = await store.summary({ status })
    // How many there are is for none of them to know.
    if (queued + jobs > queuedJobs) throw new QueueFull(queuedJobs)
  }

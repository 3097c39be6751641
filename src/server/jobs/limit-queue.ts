/** How many jobs may wait at once, whosever they are. */
import { QueueFull } from '../errors.ts'
import type { Store } from '../store/index.ts'

/**
 * Throws QUEUE_FULL where so many jobs more would be beyond the limit. Submissions that come together do not see each
 * other: the queue may go beyond it by what each of them brings.
 */
export type CheckQueue = (jobs?: number) => Promise<void>

export const limitQueue =
  (store: Pick<Store, 'summary'>, limit: number): CheckQueue =>
  async (jobs = 1) => {
    const { queued } = await store.summary({ status: ['queued'] })
    if (queued + jobs > limit) throw new QueueFull(queued, limit)
  }

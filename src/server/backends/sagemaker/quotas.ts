/** Quotas that are used up: jobs of one wait, without asking again and again, until a job of it ends or some time is over. */
import { type Backoff, createBackoff } from './backoff.ts'

export interface Quotas {
  /** Why jobs of this quota wait now. */
  reason(quota: string): string | undefined
  full(quota: string, reason: string): void
  /** A job was taken, so there is room. */
  taken(quota: string): void
  /** A job of it has ended: it is worth to ask. */
  freed(quota: string): void
}

export function createQuotas(firstMilliseconds: number): Quotas {
  const used = new Map<string, { reason: string; backoff: Backoff }>()
  return {
    reason(quota) {
      const entry = used.get(quota)
      return entry && entry.backoff.wait() > 0 ? entry.reason : undefined
    },
    full(quota, reason) {
      const mostMilliseconds = 12 * firstMilliseconds
      const backoff =
        used.get(quota)?.backoff ?? createBackoff({ firstMilliseconds, mostMilliseconds })
      backoff.failed()
      used.set(quota, { reason, backoff })
    },
    taken: quota => void used.delete(quota),
    freed: quota => void used.delete(quota)
  }
}

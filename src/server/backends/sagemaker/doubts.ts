/** For which jobs SageMaker may have a training job that this process does not know of. */
import type { Places } from './job-place.ts'
import { createdAt } from './job-table.ts'

export interface Doubts {
  /** SageMaker was never sent the job, or has surely not taken it. */
  isFresh(id: string): boolean
  /** To be called before a job is sent. */
  send(id: string): Promise<Sending>
  /** Long enough after the last request that may be under way: what SageMaker has not then, it never will have. */
  isSettled(id: string): boolean
  /** SageMaker has surely not taken it. */
  clear(id: string): Promise<void>
  forget(id: string): void
}

export interface Sending {
  /** It may have been sent before, by this process or by one that crashed. */
  again: boolean
  /** This request was surely not taken. */
  refused(): Promise<void>
}

export function createDoubts(places: Places, settleMilliseconds: number): Doubts {
  const startedAt = Date.now()
  /** When it was sent last; false: surely not taken. */
  const sent = new Map<string, number | false>()

  async function clear(id: string): Promise<void> {
    sent.set(id, false)
    await places.remove(id)
  }

  return {
    clear,
    isFresh(id) {
      const known = sent.get(id)
      if (known !== undefined) return known === false
      // The process before this one may have sent what is older.
      return createdAt(id) >= startedAt && !places.has(id)
    },
    async send(id) {
      const known = sent.get(id)
      const again = known === undefined ? places.has(id) : known !== false
      await places.make(id)
      sent.set(id, Date.now())
      return {
        again,
        async refused() {
          if (!again) await clear(id)
        }
      }
    },
    isSettled: id => Date.now() - (sent.get(id) || startedAt) > settleMilliseconds,
    forget: id => void sent.delete(id)
  }
}

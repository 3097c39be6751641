/** For which jobs SageMaker may have a training job that this process does not know of. */
import type { Places } from './job-place.ts'
import { createdAt } from './job-table.ts'

export interface Doubts {
  /** SageMaker was never sent the job, or has surely not taken it. */
  isFresh(id: string): boolean
  /** To be called before a job is sent. */
  send(id: string): Promise<Sending>
  /** Long enough after the end of the last request without an answer: what SageMaker has not then, it hardly ever will. */
  isSettled(id: string): boolean
  /** SageMaker has surely not taken it. */
  clear(id: string): Promise<void>
  forget(id: string): void
}

export interface Sending {
  /** An earlier request may have been taken, of this process or of one that crashed. */
  again: boolean
  /** This request was surely not taken; whether an earlier one was is as open as before. */
  refused(): Promise<void>
  /** What became of this request, nobody knows. */
  unanswered(): void
}

/** When the last request ended that may have been taken (milliseconds since 1970); undefined: none was. */
type Doubt = number | undefined

/** Clocks of services differ. */
const skewMilliseconds = 60_000

/** `shared`: another service may have sent jobs until now, and keeps its own files. */
export function createDoubts(places: Places, settleMilliseconds: number, shared = false): Doubts {
  const startedAt = Date.now()
  const known = new Map<string, Doubt>()

  function doubtOf(id: string): Doubt {
    if (known.has(id)) return known.get(id)
    // The process before this one may have sent it; its requests ended with it.
    if (places.has(id)) return startedAt
    if (shared) return createdAt(id) > startedAt + skewMilliseconds ? undefined : startedAt
    // An older one was sent, if at all, by a machine that has lost its files.
    return createdAt(id) >= startedAt ? undefined : 0
  }

  async function clear(id: string): Promise<void> {
    known.set(id, undefined)
    await places.remove(id)
  }

  return {
    clear,
    isFresh: id => doubtOf(id) === undefined,
    async send(id) {
      const before = doubtOf(id)
      await places.make(id)
      known.set(id, Number.POSITIVE_INFINITY)
      return {
        again: before !== undefined,
        async refused() {
          if (before === undefined) await clear(id)
          else known.set(id, before)
        },
        unanswered: () => void known.set(id, Date.now())
      }
    },
    isSettled: id => Date.now() - (doubtOf(id) ?? 0) > settleMilliseconds,
    forget: id => void known.delete(id)
  }
}

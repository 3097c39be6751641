/**
 * Jobs that nobody waits for any more, though SageMaker may have them: a request without an answer may be carried out late,
 * and a stop may have failed. What shows up of them is stopped, for it costs money.
 */
import type { Doubts } from './doubts.ts'
import type { Places } from './job-place.ts'
import { type JobTable, mayRun, newEntry } from './job-table.ts'
import type { Poller } from './poller.ts'

export interface GivenUp {
  /** Looks out for it for some time, also after a restart. Idempotent. */
  add(id: string): Promise<void>
  /** To be called after each poll: stops what is there, and lets go of what has ended or is overdue. */
  tend(): Promise<void>
}

export interface GivenUpOptions {
  table: JobTable
  places: Places
  doubts: Doubts
  keepMilliseconds: number
  wake: Poller['wake']
  stop(id: string): Promise<void>
}

export function createGivenUp(options: GivenUpOptions): GivenUp {
  const { table, places, doubts, keepMilliseconds, wake, stop } = options
  const ids = new Set<string>()

  function isOver(id: string): boolean {
    const entry = table.get(id)
    if (!entry || entry.end) return true
    const since = places.givenUpAt(id) ?? 0
    return entry.missingSince !== undefined && Date.now() - since > keepMilliseconds
  }

  return {
    async add(id) {
      await places.noteGivenUp(id)
      const entry = table.get(id) ?? table.add(newEntry(id, { exists: false, lookAt: Date.now() }))
      entry.givenUp = true
      ids.add(id)
      wake()
    },
    async tend() {
      for (const id of ids) {
        const entry = table.get(id)
        if (isOver(id)) {
          ids.delete(id)
          await places.remove(id)
          table.delete(id)
          doubts.forget(id)
        } else if (entry && mayRun(entry)) await stop(id)
      }
    }
  }
}

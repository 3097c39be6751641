/** Metrics may have changed at every look: a record is not written more often than this because of them alone. */
import { isDeepStrictEqual } from 'node:util'
import type { Observation } from '../backends/index.ts'
import type { JobRecord } from './job.ts'

const milliseconds = 3_000

export function metricsInTime() {
  /** When a job's metrics were taken over (performance.now). */
  const takenAt = new Map<string, number>()
  return {
    /** The observation, without its metrics where it is too early for them. */
    pass({ id, metrics }: JobRecord, seen: Observation): Observation {
      if (!seen.metrics || isDeepStrictEqual(seen.metrics, metrics)) return seen
      const now = performance.now()
      const { metrics: _, ...others } = seen
      if (now - (takenAt.get(id) ?? -Infinity) < milliseconds) return others
      takenAt.set(id, now)
      return seen
    },
    forget: (id: string) => void takenAt.delete(id)
  }
}

/** What ended jobs have printed is collected before their end is told: some at once, in the order of their ends. */
import { logKey } from '../../storage/index.ts'
import type { Entry } from './job-table.ts'
import type { JobLogs } from './logs.ts'

/** Most of the time is waiting for what a job printed last. */
const concurrency = 32

export interface Collector {
  /** Once for each job. */
  add(entry: Entry): void
  close(): Promise<void>
}

export function createCollector(
  logs: JobLogs,
  { onEnded, onProblem }: { onEnded(entry: Entry): void; onProblem(text: string): void }
): Collector {
  const seen = new WeakSet<Entry>()
  const waiting: Entry[] = []
  const running = new Set<Promise<void>>()
  let closed = false

  function next(): void {
    while (!closed && running.size < concurrency) {
      const entry = waiting.shift()
      if (!entry) return
      const run = collect(entry).finally(() => {
        running.delete(run)
        next()
      })
      running.add(run)
    }
  }

  async function collect(entry: Entry): Promise<void> {
    const { id, end } = entry
    if (!end) return
    const endedAt = end.endedAt === undefined ? undefined : new Date(end.endedAt)
    // A log that cannot be had must not hold up the job.
    const file = await logs.finish(id, endedAt).catch(error => {
      if (!closed) onProblem(`The log of ${id} could not be collected: ${(error as Error).message}`)
      return undefined
    })
    if (closed) return
    entry.observation = file ? { ...end, outputs: [{ key: logKey(id), file }] } : end
    onEnded(entry)
  }

  return {
    add(entry) {
      if (seen.has(entry)) return
      seen.add(entry)
      waiting.push(entry)
      next()
    },
    async close() {
      closed = true
      await logs.close()
      await Promise.all(running)
    }
  }
}

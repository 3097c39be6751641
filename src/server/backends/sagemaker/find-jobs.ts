/** Which of these jobs SageMaker has, by one list: after a crash, jobs are found so whose start was not noted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { wordsOf } from './errors.ts'
import { createdAt, type JobTable, newEntry, noteSummary } from './job-table.ts'
import { type Poller, skewMilliseconds } from './poller.ts'

/** A service that starts does not wait longer; what is found later is noted then. */
const patienceMilliseconds = 15_000

export async function findJobs(
  ids: string[],
  { table, poller, onProblem }: { table: JobTable; poller: Poller; onProblem(text: string): void }
): Promise<void> {
  const since = Math.min(...ids.map(createdAt)) - skewMilliseconds
  await Promise.race([
    find().catch(error => onProblem(`SageMaker could not be asked what it has: ${wordsOf(error)}`)),
    sleep(patienceMilliseconds, undefined, { ref: false })
  ])

  async function find(): Promise<void> {
    const wanted = new Set(ids)
    for (const summary of await poller.list({ changedSince: since, createdSince: since })) {
      const id = summary.TrainingJobName ?? ''
      if (wanted.has(id) && !table.get(id)?.exists)
        noteSummary(table.add(newEntry(id, { exists: true, lookAt: Date.now() })), summary)
    }
    poller.wake()
  }
}

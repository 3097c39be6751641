/** Which of these jobs SageMaker has, by one list: after a crash, jobs are found so whose start was not noted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { wordsOf } from './errors.ts'
import { createdAt, type JobTable, newEntry, noteSummary } from './job-table.ts'
import { type Poller, skewMilliseconds } from './poller.ts'

/** A service that starts does not wait longer; what is found later is noted then. */
const patienceMilliseconds = 15_000

interface FindOptions {
  table: JobTable
  poller: Poller
  youngMilliseconds: number
  onProblem(text: string): void
}

export async function findJobs(
  ids: string[],
  { table, poller, youngMilliseconds, onProblem }: FindOptions
): Promise<void> {
  // What is older is found when it is asked for by its name: the list walks all that the account has made since.
  const oldest = Math.max(Math.min(...ids.map(createdAt)), Date.now() - youngMilliseconds)
  const since = oldest - skewMilliseconds
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

/** StopTrainingJob; a job that SageMaker does not have is noted as stopped before it began. */
import { type SageMakerClient, StopTrainingJobCommand } from '@aws-sdk/client-sagemaker'
import type { Doubts } from './doubts.ts'
import { meaningOf, wordsOf } from './errors.ts'
import type { Places } from './job-place.ts'
import { type Entry, type JobTable, olderEntry } from './job-table.ts'
import { notThere } from './missing-jobs.ts'
import type { Poller } from './poller.ts'

export interface StopOptions {
  client: SageMakerClient
  table: JobTable
  poller: Poller
  places: Places
  doubts: Doubts
  /** After a call that failed. */
  retryMilliseconds: number
  /** A job that was looked for is there; it may have ended. */
  onFound(entry: Entry): void
  onProblem(text: string): void
}

/** A stop without effect is asked for again after that time. */
const againMilliseconds = 60_000

export function createStopper(options: StopOptions) {
  const { client, table, poller, places, doubts, retryMilliseconds, onFound, onProblem } = options

  /** Idempotent, and cheap when it was asked before. */
  return async function stop(id: string): Promise<void> {
    const entry = table.get(id)
    if (entry?.exists) return stopExisting(entry)
    if (places.stoppedAt(id)) return
    if (doubts.isFresh(id)) {
      await doubts.clear(id)
      await places.noteStopped(id)
      table.delete(id)
      return
    }
    const older = entry ?? table.add(olderEntry(id, places.arnOf(id)))
    if (older.exists) await stopExisting(older)
    else await stopDoubtful(older)
  }

  async function stopExisting(entry: Entry): Promise<void> {
    const now = Date.now()
    if (entry.end || (entry.stopAt ?? 0) > now) return
    entry.stopAt = now + againMilliseconds
    try {
      await client.send(new StopTrainingJobCommand({ TrainingJobName: entry.id }))
      delete entry.stopRefused
    } catch (error) {
      const meaning = meaningOf(error)
      if (meaning === 'missing') entry.stopRefused = notThere
      // "... the training job is in status Stopped": a look says how it ended.
      if (meaning === 'missing' || /in status/.test(wordsOf(error))) entry.changedAt = now
      else {
        entry.stopAt = now + retryMilliseconds
        if (meaning === 'refused') noteRefused(entry, wordsOf(error))
      }
    }
    poller.wake()
  }

  /** The operator is told once. */
  function noteRefused(entry: Entry, words: string): void {
    const refused = `SageMaker refuses to stop the job, and is asked again: ${words}`
    if (entry.stopRefused !== refused) onProblem(`${entry.id}: ${refused}`)
    entry.stopRefused = refused
  }

  /** SageMaker may have it from before a crash, or from a request whose answer was lost. */
  async function stopDoubtful(entry: Entry): Promise<void> {
    const now = Date.now()
    if ((entry.stopAt ?? 0) > now) return
    entry.stopAt = now + retryMilliseconds
    await poller.look(entry)
    delete entry.stopAt
    if (entry.exists) {
      onFound(entry)
      return stopExisting(entry)
    }
    entry.stopAt = now + retryMilliseconds
    if (!doubts.isSettled(entry.id)) return
    await places.noteStopped(entry.id)
    table.delete(entry.id)
  }
}

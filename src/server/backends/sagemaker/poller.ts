/**
 * The one poller for all jobs: a list of what changed, then a look at each job of ours that did. Nothing is asked while no
 * job is active, and nothing because somebody asks the service.
 */
import {
  DescribeTrainingJobCommand,
  type SageMakerClient,
  type TrainingJobSummary
} from '@aws-sdk/client-sagemaker'
import pMap from 'p-map'
import { callPatiently } from './call-patiently.ts'
import { meaningOf, wordsOf } from './errors.ts'
import {
  type Entry,
  type JobTable,
  noteDescription,
  noteMissing,
  noteSummary
} from './job-table.ts'
import { createLister, type Since } from './list-jobs.ts'

export interface Poller {
  /** To be called when a job was added to the table: asks for all of them soon. */
  wake(): void
  /** What SageMaker has of services like this one. */
  list(since: Since): Promise<TrainingJobSummary[]>
  /** Asks how this one is, at once, and notes it. Throws where SageMaker does not answer; a job that is not there is noted. */
  look(entry: Entry): Promise<void>
  close(): Promise<void>
}

export interface PollerOptions {
  client: SageMakerClient
  table: JobTable
  intervalMilliseconds: number
  /** From one ListTrainingJobs to the next. */
  paceMilliseconds: number
  /** How long a job may be missing in SageMaker before it counts as deleted. */
  goneMilliseconds: number
  onChange(entry: Entry): void
  onProblem(text: string): void
}

const minute = 60_000
/** Changes may show late in the list. */
const overlapMilliseconds = 2 * minute
/** Clocks differ. */
export const skewMilliseconds = 15 * minute
const wideMilliseconds = 10 * minute
/** A created job that no list shows for so long is looked up. */
export const unseenMilliseconds = minute
const concurrency = 4

export function createPoller(options: PollerOptions): Poller {
  const { client, table, onChange, onProblem, intervalMilliseconds } = options
  const closing = new AbortController()
  const { signal } = closing
  const list = createLister(client, options.paceMilliseconds, signal)
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  let polledAt = 0
  let wideAt = 0
  /** The latest change that a list showed, by the service's clock. */
  let latest = 0
  let problem = ''

  function schedule(): void {
    if (timer || polling || signal.aborted || table.active().length === 0) return
    timer = setTimeout(begin, Math.max(0, polledAt + intervalMilliseconds - Date.now()))
  }

  function begin(): void {
    timer = undefined
    polledAt = Date.now()
    polling = poll()
      .then(() => {
        problem = ''
      }, complain)
      .finally(() => {
        polling = undefined
        schedule()
      })
  }

  /** Once, not at each poll. */
  function complain(error: unknown): void {
    const words = wordsOf(error)
    if (!signal.aborted && words !== problem)
      onProblem(`SageMaker could not be asked for the jobs; this is tried again: ${words}`)
    problem = words
  }

  async function poll(): Promise<void> {
    const startedAt = Date.now()
    // After a pause, too: then nothing says how far back to look.
    const wide = startedAt - wideAt > wideMilliseconds || latest === 0
    const oldest = Math.min(...table.active().map(({ createdAt }) => createdAt))
    const createdSince = oldest - skewMilliseconds
    const changedSince = wide ? createdSince : latest - overlapMilliseconds
    for (const summary of await list({ changedSince, createdSince })) {
      latest = Math.max(latest, summary.LastModifiedTime?.getTime() ?? 0)
      const entry = table.get(summary.TrainingJobName ?? '')
      if (entry) noteSummary(entry, summary)
    }
    if (wide) wideAt = startedAt
    const due = table.active().filter(entry => isDue(entry, wide ? startedAt : undefined))
    const failures = await pMap(due, lookAndTell, { concurrency })
    const failure = failures.find(error => error !== undefined)
    if (failure) throw failure
  }

  /** One that cannot be asked for must not hide the others: its error is answered. */
  async function lookAndTell(entry: Entry): Promise<unknown> {
    try {
      await look(entry)
      onChange(entry)
      return undefined
    } catch (error) {
      return error
    }
  }

  /** In a wide list all active jobs are to be found. */
  function isDue(entry: Entry, wideAt: number | undefined): boolean {
    const { changed, missingSince, shownAt, since, lookAt } = entry
    if (changed || missingSince !== undefined) return true
    const now = Date.now()
    if (shownAt === undefined) return lookAt <= now
    return wideAt !== undefined && shownAt < wideAt && since + unseenMilliseconds < wideAt
  }

  async function look(entry: Entry): Promise<void> {
    const now = Date.now()
    entry.lookAt = now + Math.min(wideMilliseconds, Math.max(unseenMilliseconds, now - entry.since))
    try {
      const command = new DescribeTrainingJobCommand({ TrainingJobName: entry.id })
      noteDescription(
        entry,
        await callPatiently(() => client.send(command, { abortSignal: signal }), signal)
      )
    } catch (error) {
      if (meaningOf(error) !== 'missing') throw error
      noteMissing(entry, options.goneMilliseconds)
    }
  }

  return {
    list,
    look,
    wake: schedule,
    async close() {
      closing.abort()
      clearTimeout(timer)
      await polling
    }
  }
}

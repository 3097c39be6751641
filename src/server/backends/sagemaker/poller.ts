/**
 * The one poller for all jobs: a list of what changed, then a look at each job of ours that did. Nothing is asked while no
 * job is active, and nothing because somebody asks the service. The list begins at the oldest young job, for it walks all
 * that the account has made since; jobs that are older are few, and are looked at one by one, slowly.
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
import { createMissingJobs } from './missing-jobs.ts'

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
  /** When a job is looked at that no list shows. */
  lookMilliseconds: number
  /** How long a job may be missing in SageMaker before it can count as deleted. */
  goneMilliseconds: number
  /** Jobs that SageMaker made before are not looked for in lists. */
  youngMilliseconds: number
  onChange(entry: Entry): void
  onPolled(): Promise<void>
  onProblem(text: string): void
}

const minute = 60_000
/** Changes may show late in the list. */
const overlapMilliseconds = 2 * minute
/** Clocks differ. */
export const skewMilliseconds = 15 * minute
const wideMilliseconds = 10 * minute
/** Of an old job's age: its end is seen so late at most, and for so much of it there is one call. */
const oldPart = 1 / 180
/** So many old jobs are looked at in one poll. */
const oldAtOnce = 20
const concurrency = 4

export function createPoller(options: PollerOptions): Poller {
  const { client, table, onChange, onPolled, onProblem } = options
  const { intervalMilliseconds, lookMilliseconds, youngMilliseconds } = options
  const closing = new AbortController()
  const { signal } = closing
  const lister = createLister(client, options.paceMilliseconds, signal)
  const missingJobs = createMissingJobs({
    ...options,
    newest: lister.newest,
    region: () => client.config.region()
  })
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
    const oldest = Math.min(...table.active().filter(isYoung).map(createdAt))
    if (Number.isFinite(oldest)) {
      const createdSince = oldest - skewMilliseconds
      const changedSince = wide ? createdSince : latest - overlapMilliseconds
      for (const summary of await list({ changedSince, createdSince })) {
        latest = Math.max(latest, summary.LastModifiedTime?.getTime() ?? 0)
        const entry = table.get(summary.TrainingJobName ?? '')
        if (entry) noteSummary(entry, summary)
      }
      if (wide) wideAt = startedAt
    }
    const failures = await pMap(dueJobs(wide ? startedAt : undefined), lookAndTell, { concurrency })
    for (const entry of await missingJobs.judge()) onChange(entry)
    await onPolled()
    const failure = failures.find(error => error !== undefined)
    if (failure) throw failure
  }

  async function list(since: Since): Promise<TrainingJobSummary[]> {
    const summaries = await lister.list(since)
    for (const summary of summaries)
      missingJobs.seen(summary, table.get(summary.TrainingJobName ?? '') !== undefined)
    return summaries
  }

  const ageOf = (entry: Entry) => Date.now() - entry.createdAt
  const isYoung = (entry: Entry) => ageOf(entry) < youngMilliseconds

  function dueJobs(wideAt: number | undefined): Entry[] {
    const { young = [], old = [] } = Object.groupBy(table.active(), entry =>
      isYoung(entry) ? 'young' : 'old'
    )
    return [
      ...young.filter(entry => isDue(entry, wideAt)),
      ...old
        .filter(isOldDue)
        .sort((a, b) => a.lookAt - b.lookAt)
        .slice(0, oldAtOnce)
    ]
  }

  /** In a wide list all young jobs are to be found. */
  function isDue(entry: Entry, wideAt: number | undefined): boolean {
    const { shownAt, since, lookAt } = entry
    if (isUrgent(entry)) return true
    if (isOpen(entry) || shownAt === undefined) return lookAt <= Date.now()
    return wideAt !== undefined && shownAt < wideAt && since + lookMilliseconds < wideAt
  }

  const isOldDue = (entry: Entry) => isUrgent(entry) || entry.lookAt <= Date.now()

  /** What is known of it is known to be wrong. */
  const isOpen = ({ changedAt, missingSince }: Entry) =>
    changedAt !== undefined || missingSince !== undefined

  /** For a while it is asked for at every poll; an answer that does not come then may never come. */
  const isUrgent = ({ changedAt = 0, missingSince = 0 }: Entry) =>
    Date.now() - Math.max(changedAt, missingSince) < lookMilliseconds

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

  async function look(entry: Entry): Promise<void> {
    const now = Date.now()
    const pause = isYoung(entry) ? now - entry.since : ageOf(entry) * oldPart
    entry.lookAt = now + Math.min(10 * lookMilliseconds, Math.max(lookMilliseconds, pause))
    try {
      const command = new DescribeTrainingJobCommand({ TrainingJobName: entry.id })
      const described = await callPatiently(
        () => client.send(command, { abortSignal: signal }),
        signal
      )
      missingJobs.seen(described, true)
      noteDescription(entry, described)
    } catch (error) {
      if (meaningOf(error) !== 'missing') throw error
      noteMissing(entry, now)
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

const createdAt = (entry: Entry) => entry.createdAt

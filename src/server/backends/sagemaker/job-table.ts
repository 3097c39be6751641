/** The training jobs that this process looks after, as far as it knows them; what the loop asks is answered from here. */
import type { DescribeTrainingJobResponse, TrainingJobSummary } from '@aws-sdk/client-sagemaker'
import { decodeTime } from 'ulid'
import { plainFailure } from '../../../contract/plain-failure.ts'
import type { Observation } from '../index.ts'
import { hasEnded, observationOf, observationOfSummary } from './observation-of.ts'

export interface Entry {
  id: string
  /** SageMaker has or had it, for certain. */
  exists: boolean
  /** Since when it is looked after (milliseconds since 1970, as all times here). */
  since: number
  /** When SageMaker got it, or before. */
  createdAt: number
  observation: Observation
  /** How it ended; observed only when its log was collected. */
  end?: Observation
  described?: DescribeTrainingJobResponse
  /** The list's last word of it. */
  summary?: TrainingJobSummary
  /** Since when what was described is known to be out of date. */
  changedAt?: number
  /** When a list showed it last. */
  shownAt?: number
  /** When it is looked up although no list shows a change. */
  lookAt: number
  /** Since when SageMaker says that it has none of this name. */
  missingSince?: number
  /** When the question was asked to which it said so last. */
  missingAt?: number
  /** When it was first seen, while this one was missing, to have others where this one should be. */
  othersAt?: number
  /** Region and account are part of it. */
  arn?: string
  /** Before that time no stop is asked for (again). */
  stopAt?: number
  /** Why a stop that was asked for has not begun, in words. */
  stopRefused?: string
  /** Nobody waits for it any more. */
  givenUp?: boolean
  /** Known at once where this process started it. */
  quota?: string
  instanceCount?: number
}

export interface JobTable {
  get(id: string): Entry | undefined
  /** Begins to look after it; what was known of it is forgotten. */
  add(entry: Entry): Entry
  delete(id: string): void
  /** Those that have not ended. */
  active(): Entry[]
}

const month = 31 * 24 * 60 * 60 * 1000

export function createJobTable(): JobTable {
  const entries = new Map<string, Entry>()
  return {
    get: id => entries.get(id),
    add(entry) {
      entries.set(entry.id, entry)
      return entry
    },
    delete: id => void entries.delete(id),
    active: () => entries.values().filter(isActive).toArray()
  }
}

export const newEntry = (
  id: string,
  facts: Pick<Entry, 'exists' | 'lookAt'> & Partial<Entry>
): Entry => ({
  id,
  since: Date.now(),
  createdAt: createdAt(id),
  observation: facts.exists ? taken : unclear,
  ...facts
})

/** One that is known from before a restart: nothing is known of how it is. */
export const olderEntry = (id: string, arn: string | undefined): Entry =>
  newEntry(id, {
    exists: arn !== undefined,
    lookAt: Date.now(),
    observation: unclear,
    ...(arn === undefined ? {} : { arn })
  })

/** An id holds the time when the job was submitted. One that does not may be of any time that a training job can be of. */
export function createdAt(id: string): number {
  try {
    return decodeTime(id.slice('job-'.length).toUpperCase())
  } catch {
    return Date.now() - month
  }
}

const isActive = ({ end }: Entry) => end === undefined

/** As far as this process knows. */
export const mayRun = ({ exists, end, summary }: Entry) =>
  exists && !end && !(summary && hasEnded(summary))

const taken: Observation = {
  state: 'starting',
  status: 'Starting',
  reason: 'SageMaker has accepted the job.'
}
const unclear: Observation = {
  state: 'unclear',
  status: 'Unknown',
  reason: 'SageMaker is being asked how the job is.'
}

/** Takes over what the list says. */
export function noteSummary(entry: Entry, summary: TrainingJobSummary): void {
  const before = entry.summary ?? entry.described
  const wasMissing = entry.missingSince !== undefined
  entry.shownAt = Date.now()
  noteFound(entry, summary.TrainingJobArn, summary.CreationTime)
  if (before && isSame(before, summary) && !wasMissing) return
  entry.summary = summary
  const { described } = entry
  if (!described) entry.observation = observationOfSummary(summary)
  const isOld = described && (isSame(described, summary) || timeOf(summary) < timeOf(described))
  if (!isOld || wasMissing) entry.changedAt = Date.now()
}

/** Answers may be older than what is known already: then it is asked for again. */
export function noteDescription(entry: Entry, described: DescribeTrainingJobResponse): void {
  noteFound(entry, described.TrainingJobArn, described.CreationTime)
  if (entry.summary && isBehind(described, entry.summary)) entry.changedAt ??= Date.now()
  else delete entry.changedAt
  if (entry.described && timeOf(described) < timeOf(entry.described)) return
  entry.described = described
  const { InstanceCount: count } = described.ResourceConfig ?? {}
  if (count !== undefined) entry.instanceCount = count
  const observation = observationOf(described)
  if (hasEnded(described)) noteEnd(entry, observation)
  else entry.observation = observation
}

function noteFound(entry: Entry, arn: string | undefined, createdAt: Date | undefined): void {
  entry.exists = true
  delete entry.missingSince
  delete entry.othersAt
  if (arn !== undefined) entry.arn = arn
  if (createdAt) entry.createdAt = createdAt.getTime()
}

/** SageMaker says that it has no such job; that may pass, or have its cause here. */
export function noteMissing(entry: Entry, askedAt: number): void {
  entry.missingAt = askedAt
  entry.missingSince ??= askedAt
}

/** It was deleted in SageMaker, for certain. */
export const noteDeleted = (entry: Entry): void =>
  noteEnd(entry, { state: 'ended', status: 'Missing', failure: plainFailure('platform', deleted) })

const deleted = 'SageMaker has no training job of this name any more: it was deleted there.'

/** Why nothing can be said of it. */
export function noteUnclear(entry: Entry, reason: string): void {
  entry.observation = { state: 'unclear', status: entry.observation.status, reason }
}

function noteEnd(entry: Entry, end: Observation): void {
  entry.end = end
  entry.observation = {
    state: end.steps?.at(-1)?.state ?? 'unclear',
    status: end.status,
    reason: 'The job has ended; its log is being collected.'
  }
}

type Stated = Pick<TrainingJobSummary, 'LastModifiedTime' | 'TrainingJobStatus' | 'SecondaryStatus'>

const timeOf = ({ LastModifiedTime }: Stated) => LastModifiedTime?.getTime() ?? 0

/** The two calls need not see the same at the same time. */
const isBehind = (described: Stated, summary: Stated) =>
  timeOf(described) < timeOf(summary) || (hasEnded(summary) && !hasEnded(described))

const isSame = (a: Stated, b: Stated) =>
  timeOf(a) === timeOf(b) &&
  a.TrainingJobStatus === b.TrainingJobStatus &&
  a.SecondaryStatus === b.SecondaryStatus

/** The training jobs that this process looks after, as far as it knows them; what the loop asks is answered from here. */
import type { DescribeTrainingJobResponse, TrainingJobSummary } from '@aws-sdk/client-sagemaker'
import { decodeTime } from 'ulid'
import { plainFailure } from '../../../contract/run-report.ts'
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
  /** It changed since it was described. */
  changed: boolean
  /** When a list showed it last. */
  shownAt?: number
  /** When it is looked up although no list shows it. */
  lookAt: number
  missingSince?: number
  /** Before that time no stop is asked for (again). */
  stopAt?: number
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
  changed: false,
  ...facts
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

/** Takes over what the list says; true where it says something new. */
export function noteSummary(entry: Entry, summary: TrainingJobSummary): void {
  const before = entry.summary ?? entry.described
  entry.shownAt = Date.now()
  entry.exists = true
  delete entry.missingSince
  entry.createdAt = summary.CreationTime?.getTime() ?? entry.createdAt
  if (before && isSame(before, summary)) return
  entry.summary = summary
  const { described } = entry
  if (!described) entry.observation = observationOfSummary(summary)
  const isOld = described && (isSame(described, summary) || timeOf(summary) < timeOf(described))
  if (!isOld) entry.changed = true
}

export function noteDescription(entry: Entry, described: DescribeTrainingJobResponse): void {
  entry.exists = true
  entry.described = described
  entry.createdAt = described.CreationTime?.getTime() ?? entry.createdAt
  entry.changed = false
  delete entry.missingSince
  const { InstanceCount: count } = described.ResourceConfig ?? {}
  if (count !== undefined) entry.instanceCount = count
  const observation = observationOf(described)
  if (hasEnded(described)) noteEnd(entry, observation)
  else entry.observation = observation
}

/** SageMaker knows no such job (any more); it counts as deleted when that lasts. */
export function noteMissing(entry: Entry, goneMilliseconds: number): void {
  entry.missingSince ??= Date.now()
  if (Date.now() - Math.max(entry.missingSince, entry.since) >= goneMilliseconds)
    noteEnd(entry, { state: 'ended', status: 'Missing', failure: plainFailure('platform', gone) })
}

const gone =
  'SageMaker has no training job of this name any more: it was deleted there, or it is of another account or region.'

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

const isSame = (a: Stated, b: Stated) =>
  timeOf(a) === timeOf(b) &&
  a.TrainingJobStatus === b.TrainingJobStatus &&
  a.SecondaryStatus === b.SecondaryStatus

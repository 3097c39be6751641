/** One training job, as DescribeTrainingJob tells it, and how it moves from status to status. */
import type { CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker'

export const region = 'us-east-1'

export interface Transition {
  Status: string
  /** Seconds since 1970, as all times on the wire. */
  StartTime: number
  EndTime?: number
  StatusMessage: string
}

export type Description = Omit<CreateTrainingJobRequest, 'Tags' | 'TrainingJobName'> & {
  TrainingJobName: string
  TrainingJobArn: string
  TrainingJobStatus: string
  SecondaryStatus: string
  SecondaryStatusTransitions: Transition[]
  CreationTime: number
  LastModifiedTime: number
  TrainingStartTime?: number
  TrainingEndTime?: number
  TrainingTimeInSeconds?: number
  BillableTimeInSeconds?: number
  FailureReason?: string
  ModelArtifacts?: { S3ModelArtifacts: string }
}

export interface TrainingJob {
  name: string
  /** What DescribeTrainingJob answers. */
  description: Description
  /** What it has answered so far, oldest first. */
  history: Description[]
  tags: Map<string, string>
  /** How often its container was started, on its first host. */
  containerStarts: number
  /** Aborted when StopTrainingJob was called. */
  stopping: AbortController
  /** When it has ended and its outputs are uploaded. */
  ended: Promise<void>
}

export type Ending =
  | { status: 'Completed' }
  | { status: 'Failed'; reason: string }
  | { status: 'Stopped'; secondary: 'Stopped' | 'MaxRuntimeExceeded' }

export const nowSeconds = () => Date.now() / 1000
/** In lower case whatever the name is, so a client has to take the ARN from an answer. */
export const jobArn = (name: string, account: string) =>
  `arn:aws:sagemaker:${region}:${account}:training-job/${name.toLowerCase()}`

export function createTrainingJob(request: CreateTrainingJobRequest, account: string): TrainingJob {
  const { Tags, TrainingJobName: name = '', ...rest } = request
  const now = nowSeconds()
  const job: TrainingJob = {
    name,
    description: {
      ...rest,
      TrainingJobName: name,
      TrainingJobArn: jobArn(name, account),
      TrainingJobStatus: 'InProgress',
      SecondaryStatus: 'Starting',
      SecondaryStatusTransitions: [],
      CreationTime: now,
      LastModifiedTime: now
    },
    history: [],
    tags: new Map(Tags?.map(({ Key = '', Value = '' }) => [Key, Value])),
    containerStarts: 0,
    stopping: new AbortController(),
    ended: Promise.resolve()
  }
  enter(job, 'Starting', 'Launching requested ML instances')
  return job
}

export const hasEnded = ({ description }: TrainingJob) =>
  !['InProgress', 'Stopping'].includes(description.TrainingJobStatus)

/** Goes on to a secondary status; a transition that only explains itself anew stays the same one. */
export function enter(
  { description, history }: TrainingJob,
  status: string,
  message: string,
  primary = description.TrainingJobStatus
): void {
  const now = nowSeconds()
  history.push(structuredClone(description))
  const transitions = description.SecondaryStatusTransitions
  const last = transitions.at(-1)
  description.TrainingJobStatus = primary
  description.SecondaryStatus = status
  description.LastModifiedTime = now
  if (last?.Status === status) {
    last.StatusMessage = message
    return
  }
  if (last) last.EndTime ??= now
  transitions.push({ Status: status, StartTime: now, StatusMessage: message })
}

/** The clock that is paid for. */
export function startClock({ description }: TrainingJob): void {
  description.TrainingStartTime = nowSeconds()
}

/** As it was at a time (seconds since 1970). */
export const describedAt = ({ description, history }: TrainingJob, time: number): Description =>
  [...history, description].findLast(({ LastModifiedTime }) => LastModifiedTime <= time) ??
  history[0] ??
  description

/** Asked for, or because its time is over. */
export function enterStopping(job: TrainingJob): void {
  enter(job, 'Stopping', 'Stopping the training job', 'Stopping')
}

const endings = {
  Completed: 'Training job completed',
  Failed: 'Training job failed',
  Stopped: 'Training job stopped',
  MaxRuntimeExceeded: 'Training job runtime exceeded MaxRuntimeInSeconds provided'
}

export function end(job: TrainingJob, ending: Ending): void {
  const { description } = job
  const status = ending.status === 'Stopped' ? ending.secondary : ending.status
  enter(job, status, endings[status], ending.status)
  stopClock(description)
  if (ending.status === 'Failed') description.FailureReason = ending.reason.slice(0, 1024)
  const last = description.SecondaryStatusTransitions.at(-1)
  if (last) last.EndTime = last.StartTime
}

/** A job that never got instances has no times, costs nothing, and left nothing. */
function stopClock(description: Description): void {
  const { TrainingStartTime: startTime, EnableManagedSpotTraining: isSpot } = description
  if (startTime === undefined) return
  description.TrainingEndTime = nowSeconds()
  const seconds = Math.ceil(description.TrainingEndTime - startTime)
  description.TrainingTimeInSeconds = seconds
  description.BillableTimeInSeconds = isSpot ? Math.ceil(seconds * 0.3) : seconds
  description.ModelArtifacts = { S3ModelArtifacts: modelUri(description) }
}

/** Given however the job ended, and also where an empty folder left no object. */
function modelUri(description: Description): string {
  const isArchive = description.OutputDataConfig?.CompressionType !== 'NONE'
  return `${outputUri(description)}${isArchive ? 'model.tar.gz' : 'model/'}`
}

export function outputUri({ OutputDataConfig, TrainingJobName }: Description): string {
  const path = (OutputDataConfig?.S3OutputPath ?? '').replace(/\/+$/, '')
  return `${path}/${TrainingJobName}/output/`
}

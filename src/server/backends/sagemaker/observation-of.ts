/** A training job as SageMaker describes it -> what the loop is told. */
import type {
  DescribeTrainingJobResponse,
  SecondaryStatusTransition,
  TrainingJobSummary
} from '@aws-sdk/client-sagemaker'
import { plainFailure } from '../../../contract/plain-failure.ts'
import type { Observation } from '../index.ts'
import { readFailureReason } from './failure-reason.ts'

type Step = NonNullable<Observation['steps']>[number]

/** Secondary status -> state. Others, such as ones that SageMaker will have later, change nothing. */
const states: Record<string, Step['state']> = {
  Starting: 'starting',
  Pending: 'starting',
  LaunchingMLInstances: 'starting',
  PreparingTrainingStack: 'starting',
  Downloading: 'starting',
  DownloadingTrainingImage: 'starting',
  Training: 'running',
  Uploading: 'running',
  Stopping: 'stopping'
}
const order = ['starting', 'running', 'stopping']

const terminal = ['Completed', 'Failed', 'Stopped']
export const hasEnded = ({
  TrainingJobStatus: status = ''
}: {
  TrainingJobStatus?: string | undefined
}) => terminal.includes(status)

/** Of an ended job all but its log, which is to be added to the outputs. */
export function observationOf(job: DescribeTrainingJobResponse): Observation {
  const transitions = job.SecondaryStatusTransitions ?? []
  const steps = stepsOf(transitions)
  const ended = hasEnded(job)
  const observation: Observation = {
    state: ended ? 'ended' : stateOf(job, steps),
    status: job.SecondaryStatus ?? job.TrainingJobStatus ?? 'Unknown',
    steps,
    details: detailsOf(job)
  }
  const reason = transitions.at(-1)?.StatusMessage
  if (reason) observation.reason = reason
  const startedAt = job.TrainingStartTime ?? transitions.find(isTraining)?.StartTime
  if (startedAt) observation.startedAt = startedAt.toISOString()
  if (job.BillableTimeInSeconds !== undefined)
    observation.billableSeconds = job.BillableTimeInSeconds
  return ended ? { ...observation, ...endOf(job, transitions) } : observation
}

/** What the list says of a job that was not described yet. */
export function observationOfSummary(summary: TrainingJobSummary): Observation {
  const { TrainingJobStatus: status = 'Unknown', SecondaryStatus: secondary = status } = summary
  return {
    state: status === 'Stopping' ? 'stopping' : (states[secondary] ?? 'starting'),
    status: secondary
  }
}

const isTraining = ({ Status }: SecondaryStatusTransition) => Status === 'Training'

/** The first time of each state; a spot job that starts again does not go backwards. */
function stepsOf(transitions: SecondaryStatusTransition[]): Step[] {
  const steps: Step[] = []
  for (const { Status = '', StartTime, StatusMessage } of transitions) {
    const state = states[Status]
    if (!state || !StartTime || order.indexOf(state) <= order.indexOf(steps.at(-1)?.state ?? ''))
      continue
    const step: Step = { state, at: StartTime.toISOString() }
    if (StatusMessage) step.reason = StatusMessage
    steps.push(step)
  }
  return steps
}

function stateOf(job: DescribeTrainingJobResponse, steps: Step[]): Step['state'] {
  if (job.TrainingJobStatus === 'Stopping') return 'stopping'
  return steps.at(-1)?.state ?? states[job.SecondaryStatus ?? ''] ?? 'starting'
}

function endOf(
  job: DescribeTrainingJobResponse,
  transitions: SecondaryStatusTransition[]
): Partial<Observation> {
  const last = transitions.at(-1)
  const endedAt = job.TrainingEndTime ?? last?.EndTime ?? last?.StartTime ?? job.LastModifiedTime
  const at = endedAt ? { endedAt: endedAt.toISOString() } : {}
  if (job.TrainingJobStatus === 'Completed') return { ...at, exitCode: 0 }
  if (job.TrainingJobStatus === 'Failed') {
    const failed = readFailureReason(job.FailureReason)
    return { ...at, failure: failed, ...(failed.exitCode ? { exitCode: failed.exitCode } : {}) }
  }
  const timeout = timeoutOf(job)
  return timeout ? { ...at, failure: plainFailure('timeout', timeout) } : { ...at, stopped: true }
}

/** A training job that ran out of time has "Stopped", as one that somebody stopped. */
function timeoutOf({ SecondaryStatus, StoppingCondition }: DescribeTrainingJobResponse) {
  const { MaxRuntimeInSeconds: runtime, MaxWaitTimeInSeconds: wait } = StoppingCondition ?? {}
  if (SecondaryStatus === 'MaxRuntimeExceeded')
    return `The job was stopped after its longest time of ${runtime} s (resources.maxRuntimeSeconds).`
  if (SecondaryStatus === 'MaxWaitTimeExceeded')
    return `The job was stopped after waiting for spot instances and running for ${wait} s in all (resources.maxWaitSeconds).`
  return undefined
}

function detailsOf(job: DescribeTrainingJobResponse): Record<string, string> {
  const { InstanceType: type, InstanceCount: count } = job.ResourceConfig ?? {}
  const details: Record<string, string> = {}
  const image = job.AlgorithmSpecification?.TrainingImage
  if (job.TrainingJobArn) details.trainingJobArn = job.TrainingJobArn
  if (image) details.trainingImage = image
  if (type) details.instanceType = type
  if (count !== undefined) details.instanceCount = String(count)
  return details
}

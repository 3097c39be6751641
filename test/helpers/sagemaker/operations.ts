/** The operations on training jobs. */
import type {
  AddTagsInput,
  CreateTrainingJobRequest,
  DeleteTrainingJobRequest,
  DescribeTrainingJobRequest,
  ListTagsInput,
  StopTrainingJobRequest
} from '@aws-sdk/client-sagemaker'
import type { Knobs } from './knobs.ts'
import { listTrainingJobs } from './list-training-jobs.ts'
import type { S3Folders } from './s3-folder.ts'
import { ServiceError, validationError } from './service-error.ts'
import { checkRules } from './service-rules.ts'
import {
  createTrainingJob,
  describedAt,
  enterStopping,
  hasEnded,
  jobArn,
  nowSeconds,
  type TrainingJob
} from './training-job.ts'
import type { Operation } from './wire.ts'

export interface OperationsOptions {
  jobs: Map<string, TrainingJob>
  knobs: Knobs
  s3: S3Folders
  /** Brings a job to its end. */
  run(job: TrainingJob): Promise<void>
}

export function createOperations(options: OperationsOptions): Record<string, Operation> {
  const { jobs, knobs, s3, run } = options

  /** The caller's account's. */
  const visible = () =>
    new Map(
      [...jobs].filter(([name, { description }]) => description.TrainingJobArn === arnOf(name))
    )
  const arnOf = (name: string) => jobArn(name, knobs.account)

  function find(name: string | undefined): TrainingJob {
    const job = jobs.get(name ?? '')
    if (job?.description.TrainingJobArn !== arnOf(name ?? ''))
      throw validationError('Requested resource not found.')
    return job
  }

  function findByArn(arn: string | undefined): TrainingJob {
    const job = [...visible().values()].find(each => each.description.TrainingJobArn === arn)
    if (!job) throw validationError('Requested resource not found.')
    return job
  }

  return {
    async CreateTrainingJob(request: CreateTrainingJobRequest) {
      await checkRules(request, s3)
      const { TrainingJobName: name = '' } = request
      refuseTakenName(jobs, name, arnOf(name))
      refuseOverQuota(jobs, knobs.quota, request)
      const job = createTrainingJob(request, knobs.account)
      jobs.set(name, job)
      job.ended = run(job)
      return { TrainingJobArn: job.description.TrainingJobArn }
    },
    DescribeTrainingJob: ({ TrainingJobName: name }: DescribeTrainingJobRequest) =>
      describedAt(find(name), nowSeconds() - knobs.staleMilliseconds / 1000),
    ListTrainingJobs: (request: Parameters<typeof listTrainingJobs>[0]) =>
      listTrainingJobs(request, visible(), knobs),
    StopTrainingJob({ TrainingJobName: name }: StopTrainingJobRequest) {
      const job = find(name)
      const { TrainingJobStatus: status } = job.description
      if (hasEnded(job))
        throw validationError(
          `The request was rejected because the training job is in status ${status}.`
        )
      if (status !== 'Stopping') enterStopping(job)
      job.stopping.abort()
      return undefined
    },
    DeleteTrainingJob({ TrainingJobName: name = '' }: DeleteTrainingJobRequest) {
      const job = find(name)
      if (!hasEnded(job))
        throw validationError(
          `The request was rejected because the training job is in status ${job.description.TrainingJobStatus}.`
        )
      jobs.delete(name)
      return undefined
    },
    AddTags({ ResourceArn: arn, Tags = [] }: AddTagsInput) {
      const { tags } = findByArn(arn)
      for (const { Key = '', Value = '' } of Tags) tags.set(Key, Value)
      return { Tags: tagList(tags) }
    },
    ListTags: ({ ResourceArn: arn }: ListTagsInput) => ({ Tags: tagList(findByArn(arn).tags) })
  }
}

const tagList = (tags: Map<string, string>) => [...tags].map(([Key, Value]) => ({ Key, Value }))

/** Names are taken whatever has become of the job. */
function refuseTakenName(jobs: Map<string, TrainingJob>, name: string, arn: string): void {
  if (!jobs.has(name)) return
  throw new ServiceError(
    'ResourceInUse',
    `Training job names must be unique within an AWS account and region, and a training job with this name already exists (${arn})`
  )
}

function refuseOverQuota(
  jobs: Map<string, TrainingJob>,
  quota: Record<string, number>,
  { ResourceConfig: resources, EnableManagedSpotTraining: isSpot }: CreateTrainingJobRequest
): void {
  const { InstanceType: type = '', InstanceCount: count = 0 } = resources ?? {}
  const limit = quota[type] ?? Number.POSITIVE_INFINITY
  const used = [...jobs.values()]
    .filter(job => !hasEnded(job) && job.description.ResourceConfig?.InstanceType === type)
    .reduce((sum, { description }) => sum + (description.ResourceConfig?.InstanceCount ?? 0), 0)
  if (used + count <= limit) return
  throw new ServiceError(
    'ResourceLimitExceeded',
    `The account-level service limit '${type} for ${isSpot ? 'spot ' : ''}training job usage' is ${limit} Instances, with current utilization of ${used} Instances and a request delta of ${count} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.`
  )
}

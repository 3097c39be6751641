/** A job as the training job that is to run it. */
import type {
  Channel,
  CreateTrainingJobCommandInput,
  DescribeTrainingJobResponse
} from '@aws-sdk/client-sagemaker'
import { codeChannel } from '../../../contract/container.ts'
import { secretFromPrefix } from '../../../contract/secrets.ts'
import type { SagemakerConfig } from '../../config-aws.ts'
import { ofTenant } from '../../tenant.ts'
import type { BackendJob } from '../index.ts'
import { hasLocalStorage } from './local-storage.ts'
import { planResources } from './plan-resources.ts'

/** The tag that holds a job's id. */
export const jobTag = 'mlflow-jobs:job'

export function createRequest(
  job: BackendJob,
  settings: SagemakerConfig,
  trackingUri: string | null
): CreateTrainingJobCommandInput {
  const planned = planResources(job.resources, settings)
  const { vpc, volumeKmsKey, outputKmsKey, maxRetries } = settings
  const metrics = Object.entries(settings.metrics)
  return {
    TrainingJobName: job.id,
    RoleArn: ofTenant(settings.roleArn, job.tenant),
    AlgorithmSpecification: {
      TrainingImage: settings.imageUri,
      TrainingInputMode: 'File',
      ...(metrics.length > 0
        ? { MetricDefinitions: metrics.map(([Name, Regex]) => ({ Name, Regex })) }
        : {})
    },
    HyperParameters: hyperparametersOf(job),
    Environment: environmentOf(job, settings, trackingUri),
    InputDataConfig: channelsOf(job),
    OutputDataConfig: {
      S3OutputPath: job.outputsUri,
      ...(outputKmsKey ? { KmsKeyId: outputKmsKey } : {})
    },
    ResourceConfig: {
      InstanceType: planned.instanceType as InstanceType,
      InstanceCount: planned.instanceCount,
      VolumeSizeInGB: planned.volumeSizeGb,
      ...(volumeKmsKey && !hasLocalStorage(planned.instanceType)
        ? { VolumeKmsKeyId: volumeKmsKey }
        : {}),
      ...(planned.keepAliveSeconds > 0
        ? { KeepAlivePeriodInSeconds: planned.keepAliveSeconds }
        : {})
    },
    StoppingCondition: {
      MaxRuntimeInSeconds: planned.maxRuntimeSeconds,
      ...(planned.spot ? { MaxWaitTimeInSeconds: planned.maxWaitSeconds } : {})
    },
    EnableManagedSpotTraining: planned.spot,
    ...(planned.spot ? { CheckpointConfig: { S3Uri: checkpointsUri(job) } } : {}),
    EnableNetworkIsolation: settings.networkIsolation,
    EnableInterContainerTrafficEncryption: settings.encryptTraffic,
    ...(vpc ? { VpcConfig: { Subnets: vpc.subnets, SecurityGroupIds: vpc.securityGroupIds } } : {}),
    ...(maxRetries > 0 ? { RetryStrategy: { MaximumRetryAttempts: maxRetries } } : {}),
    Tags: Object.entries(tagsOf(job, settings)).map(([Key, Value]) => ({ Key, Value }))
  }
}

type InstanceType = NonNullable<CreateTrainingJobCommandInput['ResourceConfig']>['InstanceType']

export const checkpointsUri = (job: BackendJob) => `${job.outputsUri}/${job.id}/checkpoints`

/**
 * The service takes values of one line only (its pattern is `.*`): what would end a line is escaped. Values are JSON
 * tokens, where such characters occur inside of strings alone.
 */
export const hyperparametersOf = ({ hyperparameters }: BackendJob) =>
  Object.fromEntries(
    Object.entries(hyperparameters).map(([name, value]) => [name, escapeLines(value)])
  )

const escapeLines = (value: string) =>
  value.replace(
    /[\u0085\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  )

/**
 * The operator's below the caller's. A container without a network reaches no tracking server: it logs into what it leaves.
 * How a job goes is known from its log alone.
 */
export const environmentOf = (
  { environment, secretReferences }: BackendJob,
  { networkIsolation }: SagemakerConfig,
  trackingUri: string | null
): Record<string, string> => ({
  ...(trackingUri && !networkIsolation ? { MLFLOW_TRACKING_URI: trackingUri } : {}),
  ...environment,
  ...Object.fromEntries(
    Object.entries(secretReferences).map(([name, arn]) => [secretFromPrefix + name, arn])
  ),
  MLFLOW_JOBS_METRIC_LINES: 'true'
})

/** The operator's over the caller's: costs and rights may hang on them. */
export const tagsOf = (
  { id, tags }: BackendJob,
  settings: SagemakerConfig
): Record<string, string> => ({ ...tags, ...settings.tags, [jobTag]: id })

const channelsOf = (job: BackendJob): Channel[] => [
  channel(codeChannel, job.project.uri),
  ...Object.entries(job.inputs).map(([name, uri]) => channel(name, uri))
]

const channel = (ChannelName: string, S3Uri: string): Channel => ({
  ChannelName,
  InputMode: 'File',
  DataSource: {
    S3DataSource: { S3DataType: 'S3Prefix', S3Uri, S3DataDistributionType: 'FullyReplicated' }
  }
})

/** Whether a training job of the job's name is the one that was made for it, and not another service's. */
export function isMadeFor(job: BackendJob, made: DescribeTrainingJobResponse): boolean {
  const code = made.InputDataConfig?.find(({ ChannelName }) => ChannelName === codeChannel)
  return (
    made.OutputDataConfig?.S3OutputPath === job.outputsUri &&
    code?.DataSource?.S3DataSource?.S3Uri === job.project.uri
  )
}

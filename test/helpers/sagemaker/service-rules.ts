/** What the service demands of CreateTrainingJob beyond its model. */
import type { Channel, CreateTrainingJobRequest } from '@aws-sdk/client-sagemaker'
import type { S3Folders } from './s3-folder.ts'
import { unsupported, validationError } from './service-error.ts'
import { region } from './training-job.ts'

const longestRuntimeSeconds = 28 * 24 * 60 * 60

/** Throws the first that is broken. */
export async function checkRules(request: CreateTrainingJobRequest, s3: S3Folders): Promise<void> {
  const broken = [
    ...algorithmRules(request),
    ...resourceRules(request),
    ...stoppingRules(request),
    ...channelRules(request),
    ...tagRules(request)
  ].find(([holds]) => !holds)
  if (broken) throw validationError(broken[1])
  refuseUnsupported(request)
  for (const channel of request.InputDataConfig ?? []) await checkObjects(channel, request, s3)
}

type Rule = [holds: boolean, text: string]

function algorithmRules({ AlgorithmSpecification: algorithm }: CreateTrainingJobRequest): Rule[] {
  if (!algorithm) return [[false, 'AlgorithmSpecification is required.']]
  const { TrainingImage: image, AlgorithmName: name } = algorithm
  return [
    [
      Boolean(image) || Boolean(name),
      'Either TrainingImage or AlgorithmName must be provided in AlgorithmSpecification.'
    ],
    [
      !image || !name,
      'TrainingImage and AlgorithmName cannot both be provided in AlgorithmSpecification.'
    ]
  ]
}

/** That the rule is there, the service's reference says; its words are not known. */
const localStorage = /^ml\.(g[4-9]\w*|p3dn|p[4-9][\w-]*|r5d|trn\w+)\./

function resourceRules(request: CreateTrainingJobRequest): Rule[] {
  const { ResourceConfig: resources, EnableManagedSpotTraining: spot } = request
  if (!resources) return [[false, 'ResourceConfig is required.']]
  const hasGroups = Boolean(resources.InstanceGroups)
  const keepAlive = resources.KeepAlivePeriodInSeconds ?? 0
  return [
    [hasGroups || Boolean(resources.InstanceType), 'InstanceType is required in ResourceConfig.'],
    [hasGroups || (resources.InstanceCount ?? 0) >= 1, 'InstanceCount must be at least 1.'],
    [(resources.VolumeSizeInGB ?? 1) >= 1, 'VolumeSizeInGB must be at least 1.'],
    [
      !resources.VolumeKmsKeyId || !localStorage.test(resources.InstanceType ?? ''),
      `VolumeKmsKeyId is not supported for instance type ${resources.InstanceType} with local storage.`
    ],
    [
      !spot || keepAlive === 0,
      'KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true.'
    ]
  ]
}

function stoppingRules(request: CreateTrainingJobRequest): Rule[] {
  const { StoppingCondition: stopping, EnableManagedSpotTraining: spot } = request
  if (!stopping) return [[false, 'StoppingCondition is required.']]
  const { MaxRuntimeInSeconds: runtime = 86_400, MaxWaitTimeInSeconds: wait } = stopping
  return [
    [
      runtime <= longestRuntimeSeconds,
      `Invalid MaxRuntimeInSeconds. It must be at most ${longestRuntimeSeconds}.`
    ],
    [
      !spot || (wait !== undefined && wait >= runtime),
      'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds'
    ],
    [
      spot === true || wait === undefined,
      'MaxWaitTimeInSeconds can be provided only when EnableManagedSpotTraining is set to true.'
    ]
  ]
}

function channelRules(request: CreateTrainingJobRequest): Rule[] {
  const channels = request.InputDataConfig ?? []
  const names = channels.map(({ ChannelName }) => ChannelName)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  const sources = ({ DataSource: source }: Channel) =>
    [source?.S3DataSource, source?.FileSystemDataSource, source?.DatasetSource].filter(Boolean)
  return [
    [twice === undefined, `Channel name must be unique: ${twice} is given more than once.`],
    [
      channels.every(channel => sources(channel).length === 1),
      'Exactly one data source must be provided for each channel.'
    ],
    [
      channels.every(
        ({ CompressionType: compression, InputMode: mode }) =>
          compression !== 'Gzip' ||
          (mode ?? request.AlgorithmSpecification?.TrainingInputMode) === 'Pipe'
      ),
      'CompressionType Gzip is supported in Pipe mode only.'
    ],
    [
      Boolean(request.VpcConfig) ||
        channels.every(({ DataSource: source }) => !source?.FileSystemDataSource),
      'VpcConfig is required when a FileSystemDataSource is used.'
    ]
  ]
}

function tagRules({ Tags = [] }: CreateTrainingJobRequest): Rule[] {
  const keys = Tags.map(({ Key = '' }) => Key)
  return [
    [new Set(keys).size === keys.length, 'Duplicate tag keys found. Please make them unique.'],
    [
      keys.every(key => !/^aws:/i.test(key)),
      "Tag keys starting with 'aws:' are reserved for system use."
    ]
  ]
}

function refuseUnsupported(request: CreateTrainingJobRequest): void {
  const channels = request.InputDataConfig ?? []
  const mode = request.AlgorithmSpecification?.TrainingInputMode
  if (channels.some(({ InputMode }) => (InputMode ?? mode) === 'Pipe')) throw unsupported('Pipe')
  if (channels.some(({ DataSource }) => DataSource?.S3DataSource?.S3DataType !== 'S3Prefix'))
    throw unsupported('data sources other than S3Prefix')
  if (request.ResourceConfig?.InstanceGroups) throw unsupported('InstanceGroups')
}

async function checkObjects(
  { DataSource: source }: Channel,
  { RoleArn }: CreateTrainingJobRequest,
  s3: S3Folders
): Promise<void> {
  const uri = source?.S3DataSource?.S3Uri ?? ''
  if ((await s3.list(uri)).length > 0) return
  const bucket = /^s3:\/\/([^/]+)/.exec(uri)?.[1]
  throw validationError(
    `No S3 objects found under S3 URL "${uri}" given in input data source. Please ensure that the bucket exists in the selected region (${region}), that objects exist under that S3 prefix, and that the role "${RoleArn}" has "s3:ListBucket" permissions on bucket "${bucket}".`
  )
}

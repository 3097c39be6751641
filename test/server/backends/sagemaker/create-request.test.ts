import t from 'tap'
import { createRequest } from '../../../../src/server/backends/sagemaker/create-request.ts'
import { aBackendJob, projectUri, settings } from '../../../helpers/sagemaker-backend.ts'

const tracking = 'http://tracking:5000'

t.test('a job becomes a training job of its name', async t => {
  const job = aBackendJob({ inputs: { train: 's3://data/train/' }, tags: { team: 'cellar' } })
  const request = createRequest(job, { ...settings, tags: { cost: '1' } }, tracking)
  t.match(request, {
    TrainingJobName: job.id,
    HyperParameters: job.hyperparameters,
    Environment: { MLFLOW_TRACKING_URI: tracking, MLFLOW_JOBS_METRIC_LINES: 'true' },
    OutputDataConfig: { S3OutputPath: 's3://training/jobs' },
    StoppingCondition: { MaxRuntimeInSeconds: 3600 },
    EnableManagedSpotTraining: false
  })
  t.same(
    request.InputDataConfig?.map(({ ChannelName, DataSource }) => [
      ChannelName,
      DataSource?.S3DataSource?.S3Uri
    ]),
    [
      ['code', projectUri],
      ['train', 's3://data/train/']
    ]
  )
  t.same(request.Tags, [
    { Key: 'team', Value: 'cellar' },
    { Key: 'cost', Value: '1' },
    { Key: 'mlflow-jobs:job', Value: job.id }
  ])
  for (const absent of ['CheckpointConfig', 'VpcConfig', 'RetryStrategy'])
    t.notOk(absent in request, absent)
})

t.test('instance types with storage of their own get no key for a volume', async t => {
  const keyOf = (instanceType: string) =>
    createRequest(
      aBackendJob({ resources: { instanceType } }),
      { ...settings, volumeKmsKey: 'volumes' },
      null
    ).ResourceConfig?.VolumeKmsKeyId
  for (const type of ['ml.g4dn.xlarge', 'ml.p6-b200.48xlarge', 'ml.r5d.large', 'ml.trn1.2xlarge'])
    t.equal(keyOf(type), undefined, type)
  for (const type of ['ml.m5.xlarge', 'ml.c5n.xlarge', 'ml.p3.2xlarge', 'ml.r5.large'])
    t.equal(keyOf(type), 'volumes', type)
})

t.test('what the operator configures', async t => {
  const request = createRequest(
    aBackendJob(),
    {
      ...settings,
      maxRetries: 3,
      vpc: { subnets: ['subnet-1'], securityGroupIds: ['sg-1'] },
      volumeKmsKey: 'volumes',
      outputKmsKey: 'outputs',
      encryptTraffic: true,
      metrics: { loss: 'loss=(\\S+)' },
      defaults: { ...settings.defaults, keepAliveSeconds: 60 }
    },
    null
  )
  t.match(request, {
    RetryStrategy: { MaximumRetryAttempts: 3 },
    VpcConfig: { Subnets: ['subnet-1'], SecurityGroupIds: ['sg-1'] },
    OutputDataConfig: { KmsKeyId: 'outputs' },
    ResourceConfig: { VolumeKmsKeyId: 'volumes', KeepAlivePeriodInSeconds: 60 },
    AlgorithmSpecification: { MetricDefinitions: [{ Name: 'loss', Regex: 'loss=(\\S+)' }] },
    EnableInterContainerTrafficEncryption: true
  })
  t.notOk('MLFLOW_TRACKING_URI' in (request.Environment ?? {}))
})

t.test('a spot job waits as long as it may run, and keeps checkpoints', async t => {
  const job = aBackendJob({ resources: { spot: true, maxRuntimeSeconds: 60 } })
  t.match(createRequest(job, settings, null), {
    EnableManagedSpotTraining: true,
    StoppingCondition: { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 60 },
    CheckpointConfig: { S3Uri: `s3://training/jobs/${job.id}/checkpoints` }
  })
})

t.test("the caller's tracking server is used rather than the operator's", async t => {
  const environment = { MLFLOW_TRACKING_URI: 'http://mine' }
  t.equal(
    createRequest(aBackendJob({ environment }), settings, tracking).Environment
      ?.MLFLOW_TRACKING_URI,
    'http://mine'
  )
})

t.test('a container without a network is given no tracking server', async t => {
  const request = createRequest(aBackendJob(), { ...settings, networkIsolation: true }, tracking)
  t.equal(request.EnableNetworkIsolation, true)
  t.notOk('MLFLOW_TRACKING_URI' in (request.Environment ?? {}))
})

t.test('a value with characters that end lines is one line, and the same value', async t => {
  const value = JSON.stringify('a\u2028b\u2029c\u0085d\ne')
  const { HyperParameters } = createRequest(
    aBackendJob({ hyperparameters: { text: value } }),
    settings,
    null
  )
  t.match(HyperParameters?.text, /^[^\n\r\u0085\u2028\u2029]*$/)
  t.equal(JSON.parse(HyperParameters?.text ?? ''), JSON.parse(value))
})

t.test('a role may be each tenant’s own, and secrets go as their names', async t => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:ml/token-AbCdEf'
  const roleArn = 'arn:aws:iam::123456789012:role/training-{tenant}'
  const job = aBackendJob({ tenant: 'risk', secretReferences: { API_TOKEN: arn } })
  const { RoleArn, Environment } = createRequest(job, { ...settings, roleArn }, null)
  t.equal(RoleArn, 'arn:aws:iam::123456789012:role/training-risk')
  t.same(Environment, {
    MLFLOW_JOBS_SECRET_FROM_API_TOKEN: arn,
    MLFLOW_JOBS_METRIC_LINES: 'true'
  })
})

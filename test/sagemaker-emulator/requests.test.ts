import {
  CreateTrainingJobCommand,
  type CreateTrainingJobRequest,
  ListTrainingJobsCommand
} from '@aws-sdk/client-sagemaker'
import t from 'tap'
import { bucket, role, startAll, trainingJob } from './start.ts'

const { emulator, sagemaker, put } = await startAll(t, { knobs: { run: 'pretend' } })
const create = (request: CreateTrainingJobRequest) =>
  sagemaker.send(new CreateTrainingJobCommand(request))
const algorithm = trainingJob('any').AlgorithmSpecification
const channel = (name: string, uri: string) => ({
  ChannelName: name,
  DataSource: { S3DataSource: { S3DataType: 'S3Prefix' as const, S3Uri: uri } }
})

type Refusal = [what: string, request: Partial<CreateTrainingJobRequest>, message: string | RegExp]

const refusals: Refusal[] = [
  [
    'a key for the volume of an instance that has storage of its own',
    {
      ResourceConfig: {
        InstanceType: 'ml.g5.xlarge',
        InstanceCount: 1,
        VolumeSizeInGB: 10,
        VolumeKmsKeyId: 'volumes'
      }
    },
    /^VolumeKmsKeyId is not supported for instance type ml.g5.xlarge/
  ],
  [
    'a name with an underscore',
    { TrainingJobName: 'not_so' },
    "1 validation error detected: Value 'not_so' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
  ],
  [
    'a long name',
    { TrainingJobName: 'a'.repeat(64) },
    /^2 validation errors detected: Value 'a+' at 'trainingJobName' failed to satisfy constraint: Member must have length less than or equal to 63; /
  ],
  [
    'no role',
    { RoleArn: undefined },
    "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null"
  ],
  [
    'two faults at once',
    { RoleArn: 'arn:aws:iam::1:role/x', OutputDataConfig: { S3OutputPath: 'file:///tmp' } },
    /^2 validation errors detected: .* at 'roleArn' .*; Value 'file:\/\/\/tmp' at 'outputDataConfig.s3OutputPath' /
  ],
  [
    'a long hyperparameter',
    { HyperParameters: { text: 'a'.repeat(2501) } },
    /at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint: \[Member must have length less than or equal to 2500, /
  ],
  [
    'a hyperparameter of two lines',
    { HyperParameters: { text: 'a\nb' } },
    /Map value must satisfy constraint/
  ],
  [
    'more than 100 hyperparameters',
    {
      HyperParameters: Object.fromEntries(
        Array.from({ length: 101 }, (_, index) => [`p${index}`, '1'])
      )
    },
    /at 'hyperParameters' failed to satisfy constraint: Member must have length less than or equal to 100$/
  ],
  [
    'a variable with a hyphen',
    { Environment: { 'A-B': '1' } },
    /at 'environment' failed to satisfy constraint: Map keys must satisfy constraint/
  ],
  [
    'an instance type that there is not',
    { ResourceConfig: { InstanceType: 'local' as 'ml.m5.xlarge', InstanceCount: 1 } },
    /^1 validation error detected: Value 'local' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum value set: \[/
  ],
  [
    'a channel with a bad name',
    { InputDataConfig: [channel('a b', 's3://b/k')] },
    /at 'inputDataConfig.1.member.channelName'/
  ],
  [
    'a tag with a bad character',
    { Tags: [{ Key: 'a', Value: 'b;c' }] },
    /at 'tags.1.member.value'/
  ],
  [
    'spot without a longest wait',
    { EnableManagedSpotTraining: true },
    'Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds'
  ],
  [
    'a longest wait without spot',
    { StoppingCondition: { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 60 } },
    /^MaxWaitTimeInSeconds/
  ],
  [
    'warm spot instances',
    {
      EnableManagedSpotTraining: true,
      StoppingCondition: { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 60 },
      ResourceConfig: {
        InstanceType: 'ml.m5.xlarge',
        InstanceCount: 1,
        KeepAlivePeriodInSeconds: 60
      }
    },
    /^KeepAlivePeriodInSeconds/
  ],
  [
    'a runtime of more than 28 days',
    { StoppingCondition: { MaxRuntimeInSeconds: 28 * 86_400 + 1 } },
    /^Invalid MaxRuntimeInSeconds/
  ],
  [
    'an image and an algorithm',
    { AlgorithmSpecification: { AlgorithmName: 'x', TrainingInputMode: 'File', ...algorithm } },
    /cannot both be provided/
  ],
  [
    'a channel twice',
    { InputDataConfig: [channel('a', 's3://b/k'), channel('a', 's3://b/l')] },
    /^Channel name must be unique: a /
  ],
  [
    'a tag twice',
    {
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'a', Value: '2' }
      ]
    },
    /^Duplicate tag keys/
  ],
  [
    'a channel without an object',
    { InputDataConfig: [channel('code', `s3://${bucket}/nothing`)] },
    `No S3 objects found under S3 URL "s3://${bucket}/nothing" given in input data source. Please ensure that the bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, and that the role "${role}" has "s3:ListBucket" permissions on bucket "${bucket}".`
  ],
  [
    'a channel in a bucket that there is not',
    { InputDataConfig: [channel('code', 's3://no-such-bucket/k')] },
    /^No S3 objects found under S3 URL "s3:\/\/no-such-bucket\/k"/
  ]
]

for (const [what, more, message] of refusals) {
  t.test(`${what} is refused in the service's words`, t =>
    t.rejects(create({ ...trainingJob('refused'), ...more } as CreateTrainingJobRequest), {
      name: 'ValidationException',
      message
    })
  )
}

t.test('nothing of what is refused exists', async t => {
  t.equal(emulator.jobs.size, 0)
})

t.test('a hyperparameter that is no text cannot be read', t =>
  t.rejects(create(trainingJob('number', { HyperParameters: { alpha: 1 as never } })), {
    name: 'SerializationException',
    message: "NUMBER_VALUE can not be converted to a String at 'hyperParameters'"
  })
)

t.test('a misspelled member cannot be read', async t => {
  const answer = await post(JSON.stringify({ ...trainingJob('misspelled'), Tag: [] }))
  t.equal(answer.status, 400)
  t.same(await answer.json(), {
    __type: 'SerializationException',
    message: "Unknown member 'tag'"
  })
})

t.test('letters of any script are fine in a tag', async t => {
  await t.resolves(create(trainingJob('tagged', { Tags: [{ Key: 'équipe', Value: 'リスク' }] })))
})

t.test('a prefix with an object is a channel', async t => {
  await put('data/one.csv', 'a,b')
  await t.resolves(
    create(trainingJob('data', { InputDataConfig: [channel('train', `s3://${bucket}/data`)] }))
  )
})

t.test('a request without a signature is refused', async t => {
  const answer = await post('{}', '')
  t.equal(answer.status, 403)
  t.match(await answer.json(), { __type: 'MissingAuthenticationTokenException' })
  t.match(answer.headers.get('x-amzn-requestid'), /^[0-9a-f-]{36}$/)
})

t.test('a page of a list has 100 jobs at most', t =>
  t.rejects(sagemaker.send(new ListTrainingJobsCommand({ MaxResults: 101 })), {
    name: 'ValidationException',
    message:
      "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"
  })
)

/** What no SDK would send. */
const post = (body: string, Authorization = 'AWS4-HMAC-SHA256 Credential=test') =>
  fetch(emulator.endpoint, {
    method: 'POST',
    headers: { 'X-Amz-Target': 'SageMaker.CreateTrainingJob', Authorization },
    body
  })

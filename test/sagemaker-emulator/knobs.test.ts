import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateTrainingJobCommand,
  type CreateTrainingJobRequest,
  ListTrainingJobsCommand,
  type ListTrainingJobsRequest,
  SageMakerClient,
  StopTrainingJobCommand,
  type TrainingInstanceType
} from '@aws-sdk/client-sagemaker'
import t from 'tap'
import { startSageMaker } from '../helpers/sagemaker/index.ts'
import { startAll, trainingJob } from './start.ts'

const { emulator, sagemaker, s3Server, describe, ended } = await startAll(t, {
  knobs: { run: 'pretend', pretendMilliseconds: 5, startMilliseconds: 0, uploadMilliseconds: 0 }
})
const { knobs } = emulator
const create = (name: string, more?: Partial<CreateTrainingJobRequest>) =>
  sagemaker.send(new CreateTrainingJobCommand(trainingJob(name, more)))
const list = (request: ListTrainingJobsRequest) =>
  sagemaker.send(new ListTrainingJobsCommand(request))

/** The names on each page. */
async function pages(request: ListTrainingJobsRequest): Promise<string[][]> {
  const all: string[][] = []
  let NextToken: string | undefined
  do {
    const page = await list({ ...request, NextToken })
    all.push((page.TrainingJobSummaries ?? []).map(({ TrainingJobName = '' }) => TrainingJobName))
    NextToken = page.NextToken
  } while (NextToken)
  return all
}

for (const name of ['p-1', 'p-2', 'p-3', 'p-4', 'p-5']) {
  await create(name)
  await ended(name)
}

t.test('a list comes in pages, oldest first', async t => {
  t.same(await pages({ NameContains: 'p-', MaxResults: 2 }), [
    ['p-1', 'p-2'],
    ['p-3', 'p-4'],
    ['p-5']
  ])
})

t.test('or newest first', async t => {
  t.same(await pages({ NameContains: 'p-', MaxResults: 3, SortOrder: 'Descending' }), [
    ['p-5', 'p-4', 'p-3'],
    ['p-2', 'p-1']
  ])
})

t.test('a page is filtered by status after it is cut', async t => {
  t.same(await pages({ NameContains: 'p-', MaxResults: 3, StatusEquals: 'Failed' }), [[], []])
})

t.test('jobs are listed by when they were made', async t => {
  const CreationTimeAfter = new Date()
  await new Promise(resolve => setTimeout(resolve, 5))
  await create('later')
  t.same(await pages({ CreationTimeAfter }), [['later']])
})

t.test('empty pages may come in between', async t => {
  knobs.emptyPages = true
  t.same(await pages({ NameContains: 'p-', MaxResults: 3 }), [
    [],
    ['p-1', 'p-2', 'p-3'],
    [],
    ['p-4', 'p-5']
  ])
  knobs.emptyPages = false
})

t.test('a new job may be missing in lists', async t => {
  knobs.listDelayMilliseconds = 60_000
  await create('unlisted')
  t.same(await pages({ NameContains: 'unlisted' }), [[]])
  knobs.listDelayMilliseconds = 0
  t.same(await pages({ NameContains: 'unlisted' }), [['unlisted']])
})

t.test('no more instances of a type are given than the quota is', async t => {
  knobs.quota = { 'ml.c5.xlarge': 2 }
  knobs.pretendMilliseconds = 60_000
  const on = (InstanceType: TrainingInstanceType, InstanceCount = 1) => ({
    ResourceConfig: { InstanceType, InstanceCount }
  })
  await create('first', on('ml.c5.xlarge'))
  await create('second', on('ml.c5.xlarge'))
  await t.rejects(create('third', on('ml.c5.xlarge')), {
    name: 'ResourceLimitExceeded',
    message:
      /^The account-level service limit 'ml.c5.xlarge for training job usage' is 2 Instances, with current utilization of 2 Instances and a request delta of 1 Instances\./
  })
  await create('other', on('ml.c5.2xlarge', 3))
  await sagemaker.send(new StopTrainingJobCommand({ TrainingJobName: 'first' }))
  await ended('first')
  await t.resolves(create('third', on('ml.c5.xlarge')))
})

t.test('the next calls of an operation are throttled', async t => {
  knobs.throttleNext = { ListTrainingJobs: 1 }
  await t.rejects(list({}), { name: 'ThrottlingException', message: 'Rate exceeded' })
  await t.resolves(list({}))
  t.equal(emulator.count('ListTrainingJobs', 'ThrottlingException'), 1)
})

t.test('calls are throttled by chance, the same ones for the same seed', async t => {
  const throttled = async () => {
    const other = await startSageMaker({ s3: s3Server, knobs: { throttle: 0.5, seed: 7 } })
    const client = new SageMakerClient({
      endpoint: other.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1
    })
    for (let call = 0; call < 20; call++)
      await client.send(new ListTrainingJobsCommand({})).catch(() => {})
    client.destroy()
    await other.stop()
    return other.calls.map(({ outcome }) => outcome)
  }
  const outcomes = await throttled()
  t.same([...new Set(outcomes)].sort(), ['ThrottlingException', 'ok'])
  t.same(await throttled(), outcomes)
})

t.test('calls fail before their work or after it', async t => {
  knobs.failNext = { CreateTrainingJob: [{ status: 503 }, { status: 500, after: true }] }
  await t.rejects(create('failing'), { name: 'ServiceUnavailable' })
  t.notOk(emulator.jobs.has('failing'))
  await t.rejects(create('failing'), { name: 'InternalFailure' })
  t.ok(emulator.jobs.has('failing'))
  t.same(
    emulator.calls.slice(-2).map(({ worked }) => worked),
    [false, true]
  )
})

t.test('operations are denied', async t => {
  knobs.denied = ['ListTrainingJobs']
  await t.rejects(list({}), {
    name: 'AccessDeniedException',
    message: /is not authorized to perform: sagemaker:ListTrainingJobs/
  })
  knobs.denied = []
  await t.resolves(list({}))
})

t.test('a training job is made after its connection was cut', async t => {
  knobs.loseNext = 1
  knobs.lateMilliseconds = 50
  await t.rejects(create('late'), { code: 'ECONNRESET' })
  t.notOk(emulator.jobs.has('late'))
  while (!emulator.jobs.has('late')) await sleep(5)
  knobs.lateMilliseconds = 0
})

t.test('a description may be older than a list', async t => {
  knobs.pretendMilliseconds = 5
  await create('stale')
  await ended('stale')
  knobs.staleMilliseconds = 60_000
  const described = await describe('stale')
  t.match(described, { TrainingJobStatus: 'InProgress', SecondaryStatus: 'Starting' })
  t.match((await list({ NameContains: 'stale' })).TrainingJobSummaries, [
    { TrainingJobStatus: 'Completed' }
  ])
  knobs.staleMilliseconds = 0
  t.match(await describe('stale'), { TrainingJobStatus: 'Completed' })
})

t.test('each account has its own training jobs', async t => {
  knobs.account = '999999999999'
  t.same(await pages({}), [[]])
  await t.rejects(describe('stale'), { message: 'Requested resource not found.' })
  knobs.account = '123456789012'
  await t.resolves(describe('stale'))
})

t.test('a lost answer leaves a job behind', async t => {
  knobs.loseNext = 1
  await t.rejects(create('lost'), { code: 'ECONNRESET' })
  t.match(emulator.calls.at(-1), { jobName: 'lost', outcome: 'lost' })
  await t.rejects(create('lost'), { name: 'ResourceInUse' })
})

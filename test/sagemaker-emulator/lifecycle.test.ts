import {
  AddTagsCommand,
  CreateTrainingJobCommand,
  DeleteTrainingJobCommand,
  DescribeTrainingJobCommand,
  ListTagsCommand,
  StopTrainingJobCommand
} from '@aws-sdk/client-sagemaker'
import t from 'tap'
import { startAll, trainingJob } from './start.ts'

const { emulator, sagemaker, get, ended, describe } = await startAll(t, {
  knobs: { run: 'pretend', pretendMilliseconds: 10 }
})
const create = (...request: Parameters<typeof trainingJob>) =>
  sagemaker.send(new CreateTrainingJobCommand(trainingJob(...request)))
const stop = (name: string) => sagemaker.send(new StopTrainingJobCommand({ TrainingJobName: name }))

t.test('a job goes through the statuses of the service and leaves its archives', async t => {
  const { TrainingJobArn } = await create('completes')
  const job = await ended('completes')
  t.equal(job.TrainingJobArn, TrainingJobArn)
  t.match(job, { TrainingJobStatus: 'Completed', SecondaryStatus: 'Completed' })
  t.same(
    job.SecondaryStatusTransitions?.map(({ Status, StatusMessage }) => [Status, StatusMessage]),
    [
      ['Starting', 'Launching requested ML instances'],
      ['Training', 'Training image download completed. Training in progress.'],
      ['Uploading', 'Uploading generated training model'],
      ['Completed', 'Training job completed']
    ]
  )
  t.ok(job.SecondaryStatusTransitions?.every(each => each.EndTime instanceof Date))
  t.equal(job.BillableTimeInSeconds, 1)
  t.equal(job.ModelArtifacts?.S3ModelArtifacts, 's3://emulator/jobs/completes/output/model.tar.gz')
  t.ok(await get('jobs/completes/output/model.tar.gz'))
  t.ok(await get('jobs/completes/output/output.tar.gz'))
  t.equal(emulator.jobs.get('completes')?.containerStarts, 1)
})

t.test('a name is taken for ever', async t => {
  await create('taken')
  await ended('taken')
  await t.rejects(create('taken'), {
    name: 'ResourceInUse',
    message:
      'Training job names must be unique within an AWS account and region, and a training job with this name already exists (arn:aws:sagemaker:us-east-1:123456789012:training-job/taken)'
  })
})

t.test('until the job is deleted', async t => {
  await create('deleted')
  await ended('deleted')
  await sagemaker.send(new DeleteTrainingJobCommand({ TrainingJobName: 'deleted' }))
  await t.resolves(create('deleted'))
})

t.test('a job that is not there is a fault of the request', async t => {
  const missing = { TrainingJobName: 'missing' }
  const error = { name: 'ValidationException', message: 'Requested resource not found.' }
  await t.rejects(sagemaker.send(new DescribeTrainingJobCommand(missing)), error)
  await t.rejects(stop('missing'), error)
})

t.test('a stop while a job trains keeps what it left', async t => {
  emulator.knobs.pretendMilliseconds = 60_000
  await create('stopped')
  await trains('stopped')
  await stop('stopped')
  await stop('stopped')
  const job = await ended('stopped')
  t.match(job, { TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' })
  t.ok(await get('jobs/stopped/output/model.tar.gz'))
  await t.rejects(stop('stopped'), {
    name: 'ValidationException',
    message: 'The request was rejected because the training job is in status Stopped.'
  })
})

t.test('a stop before a job has instances leaves nothing and costs nothing', async t => {
  emulator.knobs.startMilliseconds = 60_000
  await create('early')
  await stop('early')
  const job = await ended('early')
  emulator.knobs.startMilliseconds = 0
  t.equal(job.TrainingJobStatus, 'Stopped')
  t.equal(job.BillableTimeInSeconds, undefined)
  t.equal(job.ModelArtifacts, undefined)
  t.equal(emulator.jobs.get('early')?.containerStarts, 0)
})

t.test('a job whose time is over is stopped, not failed', async t => {
  await create('slow', { StoppingCondition: { MaxRuntimeInSeconds: 1 } })
  const job = await ended('slow')
  t.match(job, { TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxRuntimeExceeded' })
  t.match(
    job.SecondaryStatusTransitions?.map(({ Status }) => Status),
    ['Starting', 'Training', 'Stopping', 'MaxRuntimeExceeded']
  )
  emulator.knobs.pretendMilliseconds = 10
})

t.test('a job may get no instances', async t => {
  emulator.knobs.capacityErrorNext = 1
  await create('no-capacity')
  const job = await ended('no-capacity')
  t.match(job, {
    TrainingJobStatus: 'Failed',
    FailureReason: /^CapacityError: Unable to provision requested ML compute capacity/
  })
  await create('capacity')
  t.equal((await ended('capacity')).TrainingJobStatus, 'Completed')
})

t.test('a job may have a status that no client knows', async t => {
  emulator.knobs.unknownSecondaryStatus = 'Pondering'
  await create('ponders')
  const job = await ended('ponders')
  delete emulator.knobs.unknownSecondaryStatus
  t.equal(job.SecondaryStatusTransitions?.[1]?.Status, 'Pondering')
  t.equal(job.TrainingJobStatus, 'Completed')
})

t.test('spot instances are billed for less than they trained', async t => {
  emulator.knobs.uploadMilliseconds = 1_100
  await create('spot', {
    EnableManagedSpotTraining: true,
    StoppingCondition: { MaxRuntimeInSeconds: 60, MaxWaitTimeInSeconds: 60 }
  })
  const job = await ended('spot')
  emulator.knobs.uploadMilliseconds = 0
  t.ok(Number(job.BillableTimeInSeconds) < Number(job.TrainingTimeInSeconds))
})

t.test('a job has the tags that it was given, and can be given more', async t => {
  const { TrainingJobArn: ResourceArn } = await create('tagged', {
    Tags: [{ Key: 'job', Value: 'one' }]
  })
  await sagemaker.send(new AddTagsCommand({ ResourceArn, Tags: [{ Key: 'two', Value: '2' }] }))
  const { Tags } = await sagemaker.send(new ListTagsCommand({ ResourceArn }))
  t.same(Tags, [
    { Key: 'job', Value: 'one' },
    { Key: 'two', Value: '2' }
  ])
  t.notHas(await describe('tagged'), { Tags: [] })
})

async function trains(name: string): Promise<void> {
  while ((await describe(name)).SecondaryStatus !== 'Training')
    await new Promise(resolve => setTimeout(resolve, 10))
}

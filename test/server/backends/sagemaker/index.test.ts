import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateTrainingJobCommand,
  DeleteTrainingJobCommand,
  SageMakerClient
} from '@aws-sdk/client-sagemaker'
import t from 'tap'
import { createRequest } from '../../../../src/server/backends/sagemaker/create-request.ts'
import { createPaths } from '../../../../src/server/paths.ts'
import { testFolder } from '../../../helpers/folder.ts'
import { aBackendJob, ended, settings, stage, until } from '../../../helpers/sagemaker-backend.ts'

const { emulator, problems, start } = await stage(t)
const { knobs } = emulator
const client = new SageMakerClient()
t.teardown(() => client.destroy())

const created = () => emulator.count('CreateTrainingJob')
const callsOf = (id: string) =>
  emulator.calls.filter(({ jobName }) => jobName === id).map(({ operation }) => operation)
const slow = (milliseconds: number) => {
  const before = knobs.pretendMilliseconds
  knobs.pretendMilliseconds = milliseconds
  return () => {
    knobs.pretendMilliseconds = before
  }
}

t.test('a job runs, and its end is told with its log', async t => {
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  t.same(await backend.start(job), { outcome: 'started' })
  t.equal((await backend.observe([job.id])).get(job.id)?.state, 'starting')
  const seen = await ended(backend, job.id)
  t.match(seen, { status: 'Completed', exitCode: 0, billableSeconds: 1 })
  t.match(seen.details, { instanceType: 'ml.m5.xlarge', instanceCount: '1' })
  t.same(
    seen.steps?.map(({ state }) => state),
    ['starting', 'running']
  )
  const [log] = seen.outputs ?? []
  t.equal(log?.key, `jobs/${job.id}/log.txt`)
  t.equal(await readFile(log?.file ?? '', 'utf8'), `${job.id} pretends to train\n`)
  await backend.forget(job.id)
  t.same(await backend.kept(), [])
  t.same(problems, [])
})

t.test('a status that came after this service is passed on', async t => {
  knobs.unknownSecondaryStatus = 'Pondering'
  knobs.startMilliseconds = 200
  t.teardown(() => {
    delete knobs.unknownSecondaryStatus
    knobs.startMilliseconds = 20
  })
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  await backend.start(job)
  const seen = await until(backend, job.id, ({ status }) => status === 'Pondering')
  t.equal(seen.state, 'starting')
  t.match(await ended(backend, job.id), { status: 'Completed' })
})

t.test('jobs are found in lists with empty pages', async t => {
  knobs.emptyPages = true
  t.teardown(() => {
    knobs.emptyPages = false
  })
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  await backend.start(job)
  t.match(await ended(backend, job.id), { status: 'Completed' })
})

t.test('a throttled start is for later, and costs nothing until then', async t => {
  knobs.throttleNext.CreateTrainingJob = 1
  const backend = start(t, { folder: testFolder(t), times: { retryMilliseconds: 60_000 } })
  const before = created()
  for (let n = 0; n < 20; n++)
    t.match(await backend.start(aBackendJob()), {
      outcome: 'later',
      reason: /fewer requests.*Rate exceeded/
    })
  t.equal(created(), before + 1)
})

t.test('what was throttled is tried again', async t => {
  knobs.throttleNext = { CreateTrainingJob: 2, ListTrainingJobs: 2, DescribeTrainingJob: 2 }
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  while ((await backend.start(job)).outcome === 'later') await sleep(5)
  t.match(await ended(backend, job.id), { status: 'Completed' })
})

t.test('a used-up quota holds back jobs of its instance type alone', async t => {
  knobs.quota = { 'ml.c5.xlarge': 1 }
  t.teardown(slow(500))
  const backend = start(t, { folder: testFolder(t) })
  const [first, second] = [1, 2].map(() =>
    aBackendJob({ resources: { instanceType: 'ml.c5.xlarge' } })
  )
  if (!first || !second) return
  await backend.start(first)
  const before = created()
  const reason = 'Waiting for quota: ml.c5.xlarge for training job usage is 1.'
  for (let n = 0; n < 20; n++) t.same(await backend.start(second), { outcome: 'later', reason })
  t.equal(created(), before + 1, 'and is not asked for again and again')
  t.match(await backend.start(aBackendJob()), { outcome: 'started' })
  await ended(backend, first.id)
  t.match(await backend.start(second), { outcome: 'started' }, 'until a job of it has ended')
  await ended(backend, second.id)
})

t.test('a job whose start gave no answer is found, and not made again', async t => {
  knobs.loseNext = 1
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  t.match(await backend.start(job), { outcome: 'later', reason: /gave no answer/ })
  while ((await backend.start(job)).outcome === 'later') await sleep(5)
  t.match(await ended(backend, job.id), { status: 'Completed' })
  t.equal(emulator.jobs.get(job.id)?.containerStarts, 1)
})

t.test('a job that was started before a crash is found without starting it', async t => {
  t.teardown(slow(1000))
  const folder = testFolder(t)
  const job = aBackendJob()
  await start(t, { folder }).start(job)
  const before = created()
  const backend = start(t, { folder })
  t.same(await backend.kept(), [job.id])
  t.not((await backend.observe([job.id])).get(job.id)?.state, 'unclear')
  t.same(await backend.start(job), { outcome: 'started' })
  t.equal(created(), before)
  t.match(await ended(backend, job.id), { status: 'Completed' })
})

t.test('and so it is where this machine has lost all', async t => {
  t.teardown(slow(500))
  const folder = testFolder(t)
  const job = aBackendJob()
  await start(t, { folder }).start(job)
  await rm(join(folder, 'jobs'), { recursive: true })
  const backend = start(t, { folder })
  t.same(await backend.start(job), { outcome: 'started' })
  t.match(await ended(backend, job.id), { status: 'Completed' })
  t.equal(emulator.jobs.get(job.id)?.containerStarts, 1)
})

t.test('a running job is unclear after a restart, never absent', async t => {
  t.teardown(slow(500))
  const folder = testFolder(t)
  const job = aBackendJob()
  await start(t, { folder }).start(job)
  const backend = start(t, { folder })
  t.equal((await backend.observe([job.id])).get(job.id)?.state, 'unclear')
  t.match(await ended(backend, job.id), { status: 'Completed' })
})

t.test("another service's job of the same name is left alone", async t => {
  t.teardown(slow(500))
  const job = aBackendJob()
  const others = createRequest({ ...job, outputsUri: 's3://training/others' }, settings, null)
  await client.send(new CreateTrainingJobCommand(others))
  const backend = start(t, { folder: testFolder(t) })
  t.match(await backend.start(job), {
    outcome: 'failed',
    failure: { kind: 'platform', message: /ResourceInUse: Training job names must be unique/ }
  })
  t.same(await backend.kept(), [])
  await backend.forget(job.id)
  t.notOk(callsOf(job.id).includes('StopTrainingJob'))
})

t.test('a job that SageMaker refuses has failed, with its words', async t => {
  const backend = start(t, { folder: testFolder(t) })
  t.match(await backend.start(aBackendJob({ inputs: { train: 's3://training/nothing/' } })), {
    outcome: 'failed',
    failure: { kind: 'user', message: /ValidationException: No S3 objects found under S3 URL/ }
  })
  t.match(await backend.start(aBackendJob({ outputsUri: 'nowhere' })), {
    outcome: 'failed',
    failure: { kind: 'platform', message: /ValidationException/ }
  })
})

t.test('a job that was stopped before it was sent never reaches AWS', async t => {
  const folder = testFolder(t)
  const backend = start(t, { folder })
  const job = aBackendJob()
  await backend.stop(job.id)
  const stopped = { state: 'ended', stopped: true, status: 'Stopped' }
  t.match((await backend.observe([job.id])).get(job.id), stopped)
  await backend.start(job)
  const next = start(t, { folder })
  t.match((await next.observe([job.id])).get(job.id), stopped, 'after a restart, too')
  await next.stop(job.id)
  await next.start(job)
  t.same(callsOf(job.id), [])
})

t.test('and neither does one whose start was refused so far', async t => {
  knobs.quota = { 'ml.c4.xlarge': 0 }
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob({ resources: { instanceType: 'ml.c4.xlarge' } })
  await backend.start(job)
  await backend.stop(job.id)
  t.match((await backend.observe([job.id])).get(job.id), { state: 'ended', stopped: true })
  t.same(callsOf(job.id), ['CreateTrainingJob'])
})

t.test('a running job is stopped by one call, however often it is asked for', async t => {
  t.teardown(slow(60_000))
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  await backend.start(job)
  await until(backend, job.id, ({ state }) => state === 'running')
  for (let n = 0; n < 20; n++) await backend.stop(job.id)
  const seen = await ended(backend, job.id)
  t.match(seen, { status: 'Stopped', stopped: true })
  t.equal(seen.steps?.at(-1)?.state, 'stopping')
  await backend.stop(job.id)
  t.equal(callsOf(job.id).filter(operation => operation === 'StopTrainingJob').length, 1)
})

t.test('an answer that names no training job is none', async t => {
  const captive = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1')
  await once(captive, 'listening')
  const endpoint = process.env.AWS_ENDPOINT_URL_SAGEMAKER
  t.teardown(() => {
    process.env.AWS_ENDPOINT_URL_SAGEMAKER = endpoint
    captive.close().closeAllConnections()
  })
  process.env.AWS_ENDPOINT_URL_SAGEMAKER = `http://127.0.0.1:${(captive.address() as AddressInfo).port}`
  t.match(await start(t, { folder: testFolder(t) }).start(aBackendJob()), {
    outcome: 'later',
    reason: /names no training job/
  })
})

t.test('a start that hangs is given up at the signal, and found later', async t => {
  t.teardown(slow(60_000))
  knobs.latencyMilliseconds = 1_000
  t.teardown(() => {
    knobs.latencyMilliseconds = 0
  })
  const folder = testFolder(t)
  const job = aBackendJob()
  t.match(await start(t, { folder }).start(job, AbortSignal.timeout(50)), {
    outcome: 'later',
    reason: /gave no answer/
  })
  knobs.latencyMilliseconds = 0
  const next = start(t, { folder })
  while ((await next.start(job)).outcome === 'later') await sleep(20)
  t.same(
    [...emulator.jobs.keys()].filter(id => id === job.id),
    [job.id]
  )
})

t.test('a stop that was throttled is tried again', async t => {
  t.teardown(slow(60_000))
  knobs.throttleNext.StopTrainingJob = 1
  const backend = start(t, { folder: testFolder(t), times: { stopRetryMilliseconds: 20 } })
  const job = aBackendJob()
  await backend.start(job)
  await until(backend, job.id, ({ state }) => state === 'running')
  await until(backend, job.id, ({ state }) => {
    void backend.stop(job.id)
    return state === 'ended'
  })
  t.equal(callsOf(job.id).filter(operation => operation === 'StopTrainingJob').length, 2)
})

t.test('a stop finds the job whose start gave no answer', async t => {
  t.teardown(slow(60_000))
  knobs.loseNext = 1
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  t.match(await backend.start(job), { outcome: 'later' })
  await backend.stop(job.id)
  t.match(await ended(backend, job.id), { status: 'Stopped', stopped: true })
  t.match(emulator.jobs.get(job.id)?.description.TrainingJobStatus, 'Stopped')
})

t.test('a job that was queued before a restart is stopped by one look', async t => {
  const job = aBackendJob()
  await sleep(5)
  const backend = start(t, { folder: testFolder(t) })
  await backend.stop(job.id)
  t.match((await backend.observe([job.id])).get(job.id), { state: 'ended', stopped: true })
  t.same(callsOf(job.id), ['DescribeTrainingJob'])
})

t.test(
  'a job that was sent before a restart is stopped when SageMaker surely has not got it',
  async t => {
    const job = aBackendJob()
    const folder = t.testdir({ jobs: { [job.id]: { sagemaker: {} } } })
    const backend = start(t, { folder, times: { stopRetryMilliseconds: 20 } })
    await backend.stop(job.id)
    t.equal((await backend.observe([job.id])).get(job.id)?.state, 'unclear')
    const seen = await until(backend, job.id, ({ state }) => {
      void backend.stop(job.id)
      return state === 'ended'
    })
    t.match(seen, { stopped: true })
    t.same(new Set(callsOf(job.id)), new Set(['DescribeTrainingJob']))
  }
)

t.test('a job that was deleted in SageMaker has failed', async t => {
  const folder = testFolder(t)
  const job = aBackendJob()
  await start(t, { folder }).start(job)
  await emulator.jobs.get(job.id)?.ended
  await client.send(new DeleteTrainingJobCommand({ TrainingJobName: job.id }))
  const backend = start(t, { folder })
  t.match(await ended(backend, job.id), {
    failure: { kind: 'platform', message: /deleted there/ }
  })
  t.equal(callsOf(job.id).filter(operation => operation === 'CreateTrainingJob').length, 1)
})

t.test('a job that ran out of time has failed by it', async t => {
  t.teardown(slow(60_000))
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob({ resources: { maxRuntimeSeconds: 1 } })
  await backend.start(job)
  const seen = await ended(backend, job.id)
  t.match(seen.failure, { kind: 'timeout', message: /longest time of 1 s/ })
  t.notOk(seen.stopped)
})

t.test('a job that got no instances has failed for want of capacity, and has no log', async t => {
  knobs.capacityErrorNext = 1
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  await backend.start(job)
  const seen = await ended(backend, job.id)
  t.match(seen.failure, { kind: 'capacity', message: /^Unable to provision/ })
  t.equal(seen.outputs, undefined)
})

t.test('a job at the limits that are checked is taken', async t => {
  const many = (count: number, prefix: string, value: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, value]))
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob({
    hyperparameters: {
      ...many(98, 'p', 'v'.repeat(2500)),
      ['k'.repeat(256)]: '1',
      lines: '"a\u2028b\u0085c"'
    },
    environment: { ...many(97, 'E', 'v'.repeat(512)), [`E${'N'.repeat(511)}`]: 'a\nb' },
    tags: { ...many(48, 't', 'v'.repeat(256)), ['ü'.repeat(128)]: '' },
    inputs: many(19, 'c', 's3://training/projects/'),
    resources: {
      instanceType: 'ml.c5.xlarge',
      spot: true,
      maxRuntimeSeconds: 28 * 24 * 60 * 60,
      maxWaitSeconds: 28 * 24 * 60 * 60
    }
  })
  knobs.quota = {}
  t.same(await backend.check(job, createPaths()), [])
  t.same(await backend.start(job), { outcome: 'started' })
})

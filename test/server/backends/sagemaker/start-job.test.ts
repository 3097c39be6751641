/** Starts that SageMaker answers badly, late or not at all. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Backend, BackendJob } from '../../../../src/server/backends/index.ts'
import { startBottomlessS3 } from '../../../helpers/bottomless-s3.ts'
import { testFolder } from '../../../helpers/folder.ts'
import type { Failure } from '../../../helpers/sagemaker/knobs.ts'
import { aBackendJob, ended, stage, until } from '../../../helpers/sagemaker-backend.ts'

const { emulator, start } = await stage(t, { pretendMilliseconds: 20 }, startBottomlessS3)
const { knobs } = emulator

const callsOf = (id: string, operation: string) =>
  emulator.calls.filter(call => call.jobName === id && call.operation === operation)

/** As the loop does. */
async function startedOrFailed(backend: Backend, job: BackendJob) {
  for (;;) {
    const outcome = await backend.start(job)
    if (outcome.outcome !== 'later') return outcome
    await sleep(10)
  }
}

function deny(t: Tap, operation: string): () => void {
  knobs.denied = [operation]
  const allow = () => {
    knobs.denied = []
  }
  t.teardown(allow)
  return allow
}
type Tap = Parameters<typeof stage>[0]

/** What appears of it has not been there before. */
async function appeared(id: string) {
  while (!emulator.jobs.has(id)) await sleep(10)
  const job = emulator.jobs.get(id)
  await job?.ended
  return job
}

const failures: [when: string, failure: Failure][] = [
  ['before', { status: 408 }],
  ['before', { status: 500 }],
  ['before', { status: 503 }],
  ['after', { status: 408, after: true }],
  ['after', { status: 500, after: true }],
  ['after', { status: 503, after: true }]
]
for (const [when, failure] of failures)
  t.test(`a job is started once where ${failure.status} came ${when} the work`, async t => {
    knobs.failNext = { CreateTrainingJob: [failure] }
    const backend = start(t, { folder: testFolder(t) })
    const job = aBackendJob()
    t.match(await backend.start(job), { outcome: 'later', reason: /gave no answer/ })
    t.match(await startedOrFailed(backend, job), { outcome: 'started' })
    t.match(await ended(backend, job.id), { status: 'Completed' })
    t.equal(callsOf(job.id, 'CreateTrainingJob').filter(({ worked }) => worked).length, 1)
    t.equal(emulator.jobs.get(job.id)?.containerStarts, 1)
  })

t.test('a job that is refused after an answer was lost has failed in the end', async t => {
  knobs.failNext = { CreateTrainingJob: [{ status: 503 }] }
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  await backend.start(job)
  deny(t, 'CreateTrainingJob')
  t.match(await startedOrFailed(backend, job), {
    outcome: 'failed',
    failure: { kind: 'platform', message: /refused the job: AccessDeniedException/ }
  })
})

t.test('until then it waits alone, and is not sent again and again', async t => {
  knobs.failNext = { CreateTrainingJob: [{ status: 503 }] }
  const backend = start(t, {
    folder: testFolder(t),
    times: { settleMilliseconds: 60_000, retryMilliseconds: 1 }
  })
  const job = aBackendJob()
  await backend.start(job)
  const allow = deny(t, 'CreateTrainingJob')
  await sleep(5)
  for (let n = 0; n < 20; n++)
    t.match(await backend.start(job), {
      outcome: 'later',
      alone: true,
      reason: /may have taken it before.*AccessDeniedException/
    })
  t.equal(callsOf(job.id, 'CreateTrainingJob').length, 2)
  allow()
  t.match(await backend.start(aBackendJob()), { outcome: 'started' })
})

t.test('a retry need not wait for a training job that may appear late', async t => {
  knobs.loseNext = 1
  knobs.lateMilliseconds = 300
  const backend = start(t, { folder: testFolder(t) })
  const job = aBackendJob()
  t.match(await backend.start(job), { outcome: 'later' })
  t.match(await startedOrFailed(backend, job), { outcome: 'started' })
  t.match(await ended(backend, job.id), { status: 'Completed' })
  while (callsOf(job.id, 'CreateTrainingJob').length < 2) await sleep(10)
  t.same(
    callsOf(job.id, 'CreateTrainingJob').map(({ outcome }) => outcome),
    ['ok', 'ResourceInUse']
  )
})

t.test('a training job that appears after its job was stopped is stopped', async t => {
  knobs.loseNext = 1
  knobs.lateMilliseconds = 800
  knobs.pretendMilliseconds = 60_000
  t.teardown(() => {
    knobs.pretendMilliseconds = 20
  })
  const folder = testFolder(t)
  const backend = start(t, { folder, times: { stopRetryMilliseconds: 20 } })
  const job = aBackendJob()
  await backend.start(job)
  const seen = await until(backend, job.id, ({ state }) => {
    void backend.stop(job.id)
    return state === 'ended'
  })
  t.match(seen, { stopped: true })
  t.notOk(emulator.jobs.has(job.id))
  await backend.forget(job.id)
  t.same(await backend.kept(), [job.id])
  const late = await appeared(job.id)
  t.equal(late?.description.TrainingJobStatus, 'Stopped')
  while ((await backend.kept()).length > 0) await sleep(10)
})

t.test('and one whose job has failed, also by the service that comes next', async t => {
  knobs.loseNext = 1
  knobs.lateMilliseconds = 1_000
  knobs.pretendMilliseconds = 60_000
  t.teardown(() => {
    knobs.pretendMilliseconds = 20
    knobs.lateMilliseconds = 0
  })
  const folder = testFolder(t)
  const backend = start(t, { folder })
  const job = aBackendJob()
  await backend.start(job)
  const allow = deny(t, 'CreateTrainingJob')
  t.match(await startedOrFailed(backend, job), { outcome: 'failed' })
  await backend.close({ keepServer: false })
  allow()
  const next = start(t, { folder })
  t.same(await next.kept(), [job.id])
  await next.forget(job.id)
  const late = await appeared(job.id)
  t.equal(late?.description.TrainingJobStatus, 'Stopped')
})

t.test('a job that nobody waits for is let go of when its time is over', async t => {
  knobs.failNext = { CreateTrainingJob: [{ status: 503 }] }
  const backend = start(t, { folder: testFolder(t), times: { givenUpMilliseconds: 300 } })
  const job = aBackendJob()
  await backend.start(job)
  deny(t, 'CreateTrainingJob')
  t.match(await startedOrFailed(backend, job), { outcome: 'failed' })
  t.same(await backend.kept(), [job.id])
  while ((await backend.kept()).length > 0) await sleep(10)
  t.same(callsOf(job.id, 'StopTrainingJob'), [])
})

t.test('a job whose name is taken is not stopped as one that never began', async t => {
  knobs.pretendMilliseconds = 60_000
  t.teardown(() => {
    knobs.pretendMilliseconds = 20
  })
  const folder = t.testdir({ ours: {}, lost: {} })
  const backend = start(t, { folder: join(folder, 'ours') })
  const job = aBackendJob()
  await start(t, { folder: join(folder, 'lost') }).start(job)
  const allow = deny(t, 'DescribeTrainingJob')
  t.match(await backend.start(job), { outcome: 'later' })
  await t.rejects(backend.stop(job.id), { name: 'AccessDeniedException' })
  allow()
  const seen = await until(backend, job.id, ({ state }) => {
    void backend.stop(job.id)
    return state === 'ended'
  })
  t.match(seen, { stopped: true, startedAt: String })
})

/** What SageMaker tells late, of another account, or not at all. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateTrainingJobCommand,
  DeleteTrainingJobCommand,
  SageMakerClient
} from '@aws-sdk/client-sagemaker'
import t, { type Test } from 'tap'
import type { Backend } from '../../../../src/server/backends/index.ts'
import { createRequest } from '../../../../src/server/backends/sagemaker/create-request.ts'
import { startBottomlessS3 } from '../../../helpers/bottomless-s3.ts'
import { testFolder } from '../../../helpers/folder.ts'
import { aBackendJob, ended, settings, stage, until } from '../../../helpers/sagemaker-backend.ts'

const { emulator, problems, start } = await stage(t, {}, startBottomlessS3)
const { knobs } = emulator
const client = new SageMakerClient()
t.teardown(() => client.destroy())

function set(t: Test, changes: Partial<typeof knobs>): void {
  const before = { ...knobs }
  Object.assign(knobs, changes)
  t.teardown(() => Object.assign(knobs, before))
}

const count = (operation: string, id: string) =>
  emulator.calls.filter(call => call.operation === operation && call.jobName === id).length

/** As long as it takes to ask for the job so often again. */
async function asked(id: string, times: number): Promise<void> {
  const before = count('DescribeTrainingJob', id)
  while (count('DescribeTrainingJob', id) < before + times) await sleep(10)
}

const stateOf = async (backend: Backend, id: string) => (await backend.observe([id])).get(id)

/** Another one's training job, in the account of the moment. */
const createOther = (name: string) =>
  client.send(
    new CreateTrainingJobCommand(createRequest(aBackendJob({ id: name }), settings, null))
  )

t.test('a job ends although SageMaker describes it as it was', async t => {
  set(t, { staleMilliseconds: 300, pretendMilliseconds: 200 })
  const backend = start(t, { folder: testFolder(t), withoutLogs: true })
  const job = aBackendJob()
  await backend.start(job)
  t.match(await ended(backend, job.id), { status: 'Completed', exitCode: 0 })
})

t.test('old jobs are looked at one by one, and no list is asked for', async t => {
  set(t, { pretendMilliseconds: 500 })
  const backend = start(t, {
    folder: testFolder(t),
    withoutLogs: true,
    times: { youngMilliseconds: 0 }
  })
  const lists = emulator.count('ListTrainingJobs')
  const job = aBackendJob()
  await backend.start(job)
  t.match(await ended(backend, job.id), { status: 'Completed' })
  t.equal(emulator.count('ListTrainingJobs'), lists)
})

t.test('a job is neither failed nor lost where the account is another one', async t => {
  set(t, { pretendMilliseconds: 60_000 })
  const folder = testFolder(t)
  const job = aBackendJob()
  const first = start(t, { folder, withoutLogs: true })
  await first.start(job)
  await first.close({ keepServer: false })

  knobs.account = '999999999999'
  await createOther('job-of-the-other-account')
  const next = start(t, { folder, withoutLogs: true })
  t.same(await next.start(job), { outcome: 'started' }, 'and is not made a second time')
  t.match(await stateOf(next, job.id), { state: 'unclear' })
  await until(next, job.id, ({ reason }) => /region or account/.test(reason ?? ''))
  while (problems.length === 0) await sleep(10)
  t.same(problems.splice(0), [
    `SageMaker has none of the training jobs that this service looks after in region us-east-1, such as arn:aws:sagemaker:us-east-1:123456789012:training-job/${job.id} (1 in all): are region and credentials those with which they were started? They are left as they are, and looked for again.`
  ])

  await asked(job.id, 3)
  await next.stop(job.id)
  t.match(await stateOf(next, job.id), { state: 'unclear', stopRefused: /region or account/ })

  knobs.account = '123456789012'
  t.match(await until(next, job.id, ({ state }) => state === 'running'), { status: 'Training' })
})

t.test('the only job of an account has failed once others show that it was deleted', async t => {
  set(t, { account: '555555555555', pretendMilliseconds: 20 })
  const folder = testFolder(t)
  const job = aBackendJob()
  await start(t, { folder, withoutLogs: true }).start(job)
  await emulator.jobs.get(job.id)?.ended
  await client.send(new DeleteTrainingJobCommand({ TrainingJobName: job.id }))
  const backend = start(t, { folder, withoutLogs: true })
  await until(backend, job.id, ({ reason }) => /region or account/.test(reason ?? ''))
  await createOther('anothers-training-job')
  t.match(await ended(backend, job.id), {
    failure: { kind: 'platform', message: /was deleted there/ }
  })
})

t.test('a stop that SageMaker refuses says so, and is tried again', async t => {
  set(t, { pretendMilliseconds: 60_000, denied: ['StopTrainingJob'] })
  const backend = start(t, {
    folder: testFolder(t),
    withoutLogs: true,
    times: { stopRetryMilliseconds: 20 }
  })
  const job = aBackendJob()
  await backend.start(job)
  await until(backend, job.id, ({ state }) => state === 'running')
  problems.splice(0)
  await backend.stop(job.id)
  await sleep(25)
  await backend.stop(job.id)
  t.match(await stateOf(backend, job.id), {
    state: 'running',
    stopRefused: /^SageMaker refuses to stop the job, and is asked again: AccessDeniedException/
  })
  t.equal(problems.length, 1)
  knobs.denied = []
  await sleep(25)
  await backend.stop(job.id)
  const seen = await ended(backend, job.id)
  t.match(seen, { stopped: true })
  t.equal(seen.stopRefused, undefined)
})

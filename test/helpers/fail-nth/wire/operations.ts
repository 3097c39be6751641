/** What is asked of a service on AWS while a request to AWS fails. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ulid } from 'ulid'
import type { Job } from '../../../../src/server/routes/schemas.ts'
import { logKey, modelKey, outputKey, reportKey } from '../../../../src/server/storage/index.ts'
import { aJob } from '../../job-record.ts'
import { form, pack, simpleProject } from '../../project.ts'
import { type Answer, ask } from '../ask.ts'
import { modelFile } from '../outputs.ts'
import type { WireStage } from './stage.ts'

export interface WireOperation {
  name: string
  /** Answers the job's id. */
  prepare(stage: WireStage): Promise<string>
  act(stage: WireStage, id: string): Promise<Answer>
  /** Statuses of the second attempt that are right. */
  again: number[]
  /** What is wrong in the end, in sentences; `refused`: AWS did not want the job. */
  check(stage: WireStage, id: string, refused: boolean): Promise<string[]>
}

const project = await pack(simpleProject)
const parameters = { alpha: 1 }
const headers = { 'idempotency-key': 'key' }
const startedAt = '2026-01-02T04:00:00.000Z'
const longestMilliseconds = 20_000

const nothing = async () => ''
const fine = async () => []

const jobsAre =
  (count: number) =>
  async ({ url, store }: WireStage) => {
    const jobs = await store.list({ limit: 9 })
    const faults =
      jobs.length === count ? [] : [`there are ${jobs.length} jobs instead of ${count}`]
    for (const { id } of jobs) {
      const { status } = await ask(`${url}/jobs/${id}/provenance`)
      if (status !== 200) faults.push(`${id} has no project: ${status}`)
    }
    return faults
  }

async function store({ url }: WireStage): Promise<string> {
  const { body } = await ask(`${url}/projects`, { method: 'POST', body: form({ project }) })
  return (body as { digest: string }).digest
}

/** Of this process's time, so that SageMaker's clock and its own agree. */
const newJob = (digest: string) => {
  const job = aJob({ id: `job-${ulid().toLowerCase()}`, parameters: { alpha: '1' }, inputs: {} })
  const backend = { name: 'sagemaker', status: null, details: {} }
  const createdAt = new Date().toISOString()
  return { ...job, backend, createdAt, project: { ...job.project, digest } }
}

async function queued(stage: WireStage): Promise<string> {
  const job = newJob(await store(stage))
  await stage.store.insert(job)
  return job.id
}

async function ended(stage: WireStage): Promise<string> {
  const job = newJob(await store(stage))
  const { outputs } = stage.cloud
  const model = { sizeBytes: 1, fileCount: 1, loggedModels: [] }
  await stage.put(modelKey(job.id), outputs.model)
  await stage.put(outputKey(job.id), outputs.output)
  await stage.put(reportKey(job.id), outputs.report)
  await stage.put(logKey(job.id), outputs.log)
  await stage.store.insert({ ...job, status: 'succeeded', startedAt, endedAt: startedAt, model })
  return job.id
}

/** The status is 0 where it never becomes so. */
async function until({ url }: WireStage, id: string, is: (job: Job) => boolean): Promise<Answer> {
  for (const begun = performance.now(); performance.now() - begun < longestMilliseconds; ) {
    const answer = await ask(`${url}/jobs/${id}`)
    if (answer.status === 200 && is(answer.body as Job)) return answer
    await sleep(20)
  }
  return { status: 0 }
}

const ranOnce = ({ cloud }: WireStage, id: string) => {
  const starts = cloud.emulator.jobs.get(id)?.containerStarts ?? 0
  return starts === 1 ? [] : [`it was trained ${starts} times`]
}

async function hasSucceeded(stage: WireStage, id: string, refused: boolean): Promise<string[]> {
  const { status, failure, metrics, model } = (await ask(`${stage.url}/jobs/${id}`)).body as Job
  if (refused && status === 'failed' && failure?.kind === 'platform') return []
  if (status !== 'succeeded') return [`the job is ${status}: ${failure?.message}`]
  const log = (await ask(`${stage.url}/jobs/${id}/logs`)).body
  return [
    ...ranOnce(stage, id),
    ...(model ? [] : ['it has no model']),
    ...(metrics.pretended === 1 ? [] : ['it has no metrics']),
    ...(log === `${id} pretends to train\n` ? [] : [`its log is ${JSON.stringify(log)}`])
  ]
}

async function hasStopped({ url, cloud }: WireStage, id: string, refused: boolean) {
  const { status, failure } = (await ask(`${url}/jobs/${id}`)).body as Job
  const training = cloud.emulator.jobs.get(id)?.description.TrainingJobStatus
  if (refused && status === 'failed') return []
  return [
    ...(status === 'stopped' ? [] : [`the job is ${status}: ${failure?.message}`]),
    ...(training === 'InProgress' ? ['it trains on'] : [])
  ]
}

const read = (path: string): WireOperation => ({
  name: `read ${path}`,
  prepare: ended,
  act: ({ url }, id) => ask(`${url}/jobs/${id}${path}`),
  again: [200],
  check: fine
})

export const operations: WireOperation[] = [
  {
    name: 'submit',
    prepare: nothing,
    act: ({ url }) =>
      ask(`${url}/jobs`, { method: 'POST', headers, body: form({ project, parameters }) }),
    again: [202],
    check: jobsAre(1)
  },
  {
    name: 'rerun',
    prepare: ended,
    act: ({ url }, id) =>
      ask(`${url}/jobs/${id}/rerun`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: '{}'
      }),
    again: [202],
    check: jobsAre(2)
  },
  {
    name: 'keep a project',
    prepare: nothing,
    act: ({ url }) => ask(`${url}/projects`, { method: 'POST', body: form({ project }) }),
    again: [200, 201],
    check: jobsAre(0)
  },
  {
    name: 'start and finish',
    prepare: queued,
    async act(stage, id) {
      stage.cloud.emulator.knobs.pretendMilliseconds = 30
      stage.start()
      return until(stage, id, ({ terminal }) => terminal)
    },
    again: [200],
    check: hasSucceeded
  },
  {
    name: 'stop a job that runs',
    prepare: queued,
    async act(stage, id) {
      stage.cloud.emulator.knobs.pretendMilliseconds = 60_000
      stage.start()
      await until(stage, id, ({ status }) => status !== 'queued' && status !== 'starting')
      const answer = await ask(`${stage.url}/jobs/${id}/stop`, { method: 'POST' })
      if (answer.status === 202) await until(stage, id, ({ terminal }) => terminal)
      return answer
    },
    again: [202],
    check: hasStopped
  },
  {
    name: 'delete',
    prepare: ended,
    act: ({ url }, id) => ask(`${url}/jobs/${id}`, { method: 'DELETE' }),
    again: [204, 404],
    check: jobsAre(0)
  },
  ...['/logs', '/metrics', '/model', '/model/files', `/model/files/${modelFile}`].map(read),
  {
    ...read('a part of /model'),
    act: ({ url }, id) => ask(`${url}/jobs/${id}/model`, { headers: { range: 'bytes=10-29' } }),
    again: [206]
  }
]

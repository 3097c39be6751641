/** What can be asked of the service, and what must be so when it was asked again after a failure. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { InjectOptions } from 'fastify'
import { StorageUnavailable, StoreUnavailable } from '../../../src/server/errors.ts'
import { isTerminal } from '../../../src/server/jobs/job.ts'
import { modelKey, projectKey } from '../../../src/server/storage/index.ts'
import { aJob } from '../job-record.ts'
import { form, pack, simpleProject } from '../project.ts'
import { leftBy, type Stage } from './stage.ts'

export interface Operation {
  name: string
  prepare(stage: Stage): Promise<void>
  /** Answers the status of the answer; 0 where nobody is answered. */
  act(stage: Stage): Promise<number>
  /** Statuses of the second attempt that are right. */
  again: number[]
  /** What is wrong in the end, in sentences. */
  check(stage: Stage): Promise<string[]>
}

const project = await pack(simpleProject)
const parameters = { alpha: 1 }
const at = '2026-01-02T04:00:00.000Z'
const digest = aJob().project.digest

const asks =
  (request: InjectOptions) =>
  async ({ app }: Stage) =>
    app.inject(request).then(({ statusCode }) => statusCode, cutOffOnly)

/** An answer that has begun can only break off, and does not look whole then. */
export const cutOff = -1
function cutOffOnly(error: NodeJS.ErrnoException): number {
  if (error.code !== 'LIGHT_ECONNRESET') throw error
  return cutOff
}

function unavailableOnly(error: unknown): 0 {
  if (error instanceof StoreUnavailable || error instanceof StorageUnavailable) return 0
  throw error
}

const nothing = async () => {}
const fine = async () => []

/** Makes the number of jobs be that, each whole. */
const jobsAre =
  (count: number) =>
  async ({ store, storage }: Stage): Promise<string[]> => {
    const jobs = await store.list({ limit: 9 })
    const faults =
      jobs.length === count ? [] : [`there are ${jobs.length} jobs instead of ${count}`]
    for (const { id, project } of jobs)
      if (!(await storage.stat(projectKey({ tenant: 'default', digest: project.digest }))))
        faults.push(`${id} has no project`)
    return faults
  }

async function ended({ store, put }: Stage): Promise<void> {
  for (const key of [...leftBy('job-a'), projectKey({ tenant: 'default', digest })]) await put(key)
  await store.insert(aJob({ id: 'job-a', status: 'succeeded', startedAt: at, endedAt: at }))
}

async function queued({ store, put }: Stage): Promise<void> {
  await put(projectKey({ tenant: 'default', digest }))
  await store.insert(aJob({ id: 'job-a' }))
}

const statusIs =
  (...statuses: string[]) =>
  async ({ store, remote }: Stage) => {
    const status = `${(await store.get('job-a'))?.status}`
    return statuses.includes(status) ? remote.offences : [`the job is ${status}`]
  }

/** The loop works until the job is so, or its time is over: what has failed may be tried again much later. */
const loopsUntil =
  (done: (stage: Stage) => Promise<boolean>) =>
  async (stage: Stage): Promise<number> => {
    stage.start()
    const until = performance.now() + stage.patienceMilliseconds
    while (!(await done(stage)) && performance.now() < until) await sleep(5)
    return 0
  }

const isEnded = async ({ store, remote }: Stage) => {
  const job = await store.get('job-a')
  return !!job && isTerminal(job.status) && (await remote.backend.kept()).length === 0
}

const headers = { 'idempotency-key': 'key' }
const post = (url: string, fields: object): InjectOptions => ({
  method: 'POST',
  url,
  headers,
  payload: form({ ...fields })
})

export const operations: Operation[] = [
  {
    name: 'submit',
    prepare: nothing,
    act: stage => asks(post('/jobs', { project, parameters }))(stage),
    again: [202],
    check: jobsAre(1)
  },
  {
    name: 'submit once more',
    // Without the key that makes two attempts one.
    prepare: async ({ app }) => {
      const { statusCode, body } = await app.inject({
        ...post('/jobs', { project, parameters }),
        headers: {}
      })
      if (statusCode !== 202) throw new Error(body)
    },
    act: stage => asks(post('/jobs', { project, parameters }))(stage),
    again: [202],
    check: jobsAre(2)
  },
  {
    name: 'submit a batch',
    prepare: nothing,
    act: stage =>
      asks(post('/jobs/batch', { project, jobs: [{ parameters }, { parameters }] }))(stage),
    again: [202],
    check: jobsAre(2)
  },
  {
    name: 'keep a project',
    prepare: nothing,
    act: stage => asks(post('/projects', { project }))(stage),
    again: [200, 201],
    check: jobsAre(0)
  },
  {
    name: 'stop',
    prepare: queued,
    act: asks({ method: 'POST', url: '/jobs/job-a/stop' }),
    again: [202],
    check: async ({ store }) =>
      (await store.get('job-a'))?.stopRequestedAt ? [] : ['the stop was not noted']
  },
  {
    name: 'delete',
    prepare: ended,
    act: asks({ method: 'DELETE', url: '/jobs/job-a' }),
    again: [204, 404],
    check: jobsAre(0)
  },
  {
    name: 'sweep',
    prepare: ended,
    // What is thrown is logged, and the next sweep tries again.
    act: stage => stage.sweep().then(() => 0, unavailableOnly),
    again: [0],
    async check(stage) {
      const faults = await jobsAre(0)(stage)
      const keys = [modelKey('job-a'), projectKey({ tenant: 'default', digest })]
      const kept = await Promise.all(keys.map(key => stage.storage.stat(key)))
      return [...faults, ...keys.filter((_, n) => kept[n]).map(key => `${key} is kept`)]
    }
  },
  ...['', '/logs', '/metrics', '/model', '/model/files', '/provenance'].map(path => ({
    name: `read ${path || 'a job'}`,
    prepare: ended,
    act: asks({ method: 'GET', url: `/jobs/job-a${path}` }),
    again: [200],
    check: fine
  })),
  {
    name: 'list',
    prepare: ended,
    act: asks({ method: 'GET', url: '/jobs' }),
    again: [200],
    check: fine
  },
  {
    name: 'start and finish',
    async prepare(stage) {
      await queued(stage)
    },
    act: loopsUntil(async stage => {
      for (let n = 0; n < 2; n++) stage.remote.progress('job-a', 'well')
      return isEnded(stage)
    }),
    again: [0],
    check: statusIs('succeeded')
  },
  {
    name: 'stop a job that runs',
    async prepare(stage) {
      await queued(stage)
      await stage.remote.backend.start({ id: 'job-a' } as never)
      await stage.store.save(aJob({ id: 'job-a', status: 'running', startedAt: at }))
      await stage.store.requestStop('job-a', at)
    },
    act: loopsUntil(async stage => {
      if (stage.remote.get('job-a')?.stopAsked) stage.remote.progress('job-a', 'badly')
      return isEnded(stage)
    }),
    again: [0],
    check: statusIs('stopped')
  }
]

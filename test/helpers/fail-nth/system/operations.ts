/** What is asked of the service while a system call fails; a key makes each attempt its own. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '../../../../src/server/routes/schemas.ts'
import { form, pack, simpleProject } from '../../project.ts'
import { type Answer, ask } from '../ask.ts'
import { modelFile } from '../outputs.ts'
import { idOf, type Place } from './place.ts'

export interface SystemOperation {
  name: string
  /** What was there before, which the failure does not concern. */
  prepare?(place: Place, key: string): Promise<unknown>
  act(place: Place, key: string): Promise<Answer>
  /** Statuses of the second attempt that are right. */
  again: number[]
  /** What is wrong when it was done, in sentences. */
  check(place: Place, key: string): Promise<string[]>
}

/** Each with a project of its own: what is stored already is stored no more. */
const projectOf = (key: string) => pack({ ...simpleProject, 'key.txt': key })
const parameters = { alpha: 1 }

const post = (url: string, key: string, fields: object) =>
  ask(url, {
    method: 'POST',
    headers: { 'idempotency-key': key },
    body: form({ ...fields })
  })

/** So many jobs have the name, and each has its project. */
const jobsAre =
  (count: number, nameOf = (key: string) => key) =>
  async ({ url }: Place, key: string) => {
    const { body } = await ask(`${url}/jobs?name=${nameOf(key)}`)
    const { items } = body as { items: Job[] }
    const faults =
      items.length === count ? [] : [`there are ${items.length} jobs instead of ${count}`]
    for (const { id, links } of items) {
      const { status } = await ask(`${url}${links.self}/provenance`)
      if (status !== 200) faults.push(`${id} has no project: ${status}`)
    }
    return faults
  }

const longestMilliseconds = 30_000

/** Waits for the job's end, however often asking fails. The status is 0 where it never comes. */
async function endOf({ url, service }: Place, key: string): Promise<Answer> {
  for (const begun = performance.now(); performance.now() - begun < longestMilliseconds; ) {
    const answer = await ask(`${url}/jobs/${idOf(key)}?wait=1`)
    if (!service.isAlive() || (answer.body as Job | undefined)?.terminal) return answer
    await sleep(20)
  }
  return { status: 0 }
}

/** The job has ended so, and nothing of its work is left. */
const isEnded = (status: string) => async (place: Place, key: string) => {
  const { body } = await endOf(place, key)
  const job = body as Job | undefined
  if (job?.status !== status) return [`the job is ${job?.status}: ${job?.statusReason}`]
  const folder = join(place.service.dataDir, 'jobs', job.id, 'local')
  for (let n = 0; existsSync(folder) && n < 100; n++) await sleep(20)
  return existsSync(folder) ? [`the working folder of ${job.id} is left over`] : []
}

const read = (path: string): SystemOperation => ({
  name: `read ${path || 'a job'}`,
  prepare: (place, key) => place.ended(key),
  act: ({ url }, key) => ask(`${url}/jobs/${idOf(key)}${path}`),
  again: [200],
  check: async () => []
})

export const operations: SystemOperation[] = [
  {
    name: 'submit',
    act: async ({ url }, key) =>
      post(`${url}/jobs`, key, { project: await projectOf(key), parameters, name: key }),
    again: [202],
    check: jobsAre(1)
  },
  {
    name: 'submit a batch',
    async act({ url }, key) {
      const jobs = [{ parameters }, { parameters: { alpha: 2 } }]
      return post(`${url}/jobs/batch`, key, { project: await projectOf(key), jobs, name: key })
    },
    again: [202],
    check: jobsAre(2)
  },
  {
    name: 'rerun',
    prepare: (place, key) => place.ended(key),
    act: ({ url }, key) =>
      ask(`${url}/jobs/${idOf(key)}/rerun`, {
        method: 'POST',
        headers: { 'idempotency-key': key, 'content-type': 'application/json' },
        body: JSON.stringify({ name: `again-${key}` })
      }),
    again: [202],
    check: jobsAre(1, key => `again-${key}`)
  },
  {
    name: 'keep a project',
    act: async ({ url }, key) => post(`${url}/projects`, key, { project: await projectOf(key) }),
    again: [200, 201],
    async check(place, key) {
      const { body } = await this.act(place, key)
      const { status } = await ask(`${place.url}/projects/${(body as { digest: string }).digest}`)
      return status === 200 ? [] : [`the project is not there: ${status}`]
    }
  },
  {
    name: 'stop',
    prepare: (place, key) => place.queued(key),
    async act(place, key) {
      const answer = await ask(`${place.url}/jobs/${idOf(key)}/stop`, { method: 'POST' })
      if (answer.status === 202) await endOf(place, key)
      return answer
    },
    again: [202],
    check: isEnded('stopped')
  },
  {
    name: 'finish',
    prepare: (place, key) => place.project(key),
    async act(place, key) {
      await place.unfinished(key)
      return endOf(place, key)
    },
    again: [200],
    async check(place, key) {
      const faults = await isEnded('succeeded')(place, key)
      const { model, metrics } = (await endOf(place, key)).body as Job
      return [
        ...faults,
        ...(model?.fileCount === 1 ? [] : ['it has no model']),
        ...(metrics.loss === 0.5 ? [] : ['it has no metrics']),
        ...(await brokenModel(place, key))
      ]
    }
  },
  {
    name: 'delete',
    prepare: (place, key) => place.ended(key),
    act: ({ url }, key) => ask(`${url}/jobs/${idOf(key)}`, { method: 'DELETE' }),
    again: [204, 404],
    async check({ url, service }, key) {
      const { status } = await ask(`${url}/jobs/${idOf(key)}`)
      return [
        ...(status === 404 ? [] : [`the job is still there: ${status}`]),
        ...(existsSync(join(service.dataDir, 'jobs', idOf(key), 'output'))
          ? ['its outputs are left over']
          : [])
      ]
    }
  },
  ...['', '/logs', '/metrics', '/model/files', '/provenance'].map(read),
  ...['/model', `/model/files/${modelFile}`].map(path => ({ ...read(path), check: brokenModel })),
  {
    ...read('a part of /model'),
    act: ({ url }, key) =>
      ask(`${url}/jobs/${idOf(key)}/model`, { headers: { range: 'bytes=10-29' } }),
    again: [206],
    check: brokenModel
  }
]

/** The file of the model, as it was made. */
async function brokenModel({ url, outputs }: Place, key: string): Promise<string[]> {
  const answer = await fetch(`${url}/jobs/${idOf(key)}/model/files/${modelFile}`)
  const hash = createHash('sha256').update(await answer.bytes())
  return hash.digest('hex') === outputs.sha256
    ? []
    : [`its model is not what it was made of: ${answer.status}`]
}

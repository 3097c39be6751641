/** A service with two tenants. A has a job of each kind, a batch, projects and an idempotency key; B asks for them. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import type { Callers } from '../../../src/server/callers/index.ts'
import type { JobRecord } from '../../../src/server/jobs/job.ts'
import { nextId } from '../../../src/server/jobs/next-id.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import { logKey, modelKey, type Storage } from '../../../src/server/storage/index.ts'
import type { Store } from '../../../src/server/store/index.ts'
import { testApp } from '../app.ts'
import type { Owner } from '../folder.ts'
import { aJob } from '../job-record.ts'
import { form, pack, simpleProject } from '../project.ts'
import { createReadCount } from './count-reads.ts'
import type { Names } from './names.ts'

/** A token is its tenant's name; B is no admin. */
const callers: Callers = {
  identify: async tenant => ({
    name: 'ci',
    tenant,
    scopes: tenant === 'a' ? ['read', 'submit', 'admin'] : ['read', 'submit']
  })
}

export type TwoTenants = Awaited<ReturnType<typeof createTwoTenants>>

/** `worse`: what a defect would make of the parts, for the test of this test. */
export async function createTwoTenants(
  owner: Owner,
  worse: { store?(store: Store): Store; storage?(storage: Storage): Storage } = {}
) {
  const reads = createReadCount()
  const as = { store: worse.store ?? same, storage: worse.storage ?? same }
  const parts = await testApp(
    owner,
    {},
    dataDir => as.storage(reads.around('storage', createFilesystem(dataDir))),
    store => as.store(reads.around('store', store)),
    { callers }
  )
  const { app, store, storage, folder } = parts

  const ask = (tenant: string, request: InjectOptions) =>
    app.inject({
      ...request,
      headers: { ...request.headers, authorization: `Bearer ${tenant}` }
    })

  async function keep(changes: Partial<JobRecord>): Promise<JobRecord> {
    const job = aJob({ id: nextId('job'), tenant: 'a', ...changes })
    await store.insert(job)
    return job
  }

  async function leave(key: string): Promise<void> {
    const file = join(folder, randomUUID())
    await writeFile(file, 'bytes')
    await storage.put(key, file)
  }

  async function accepted(request: InjectOptions) {
    const answer = await ask('a', request)
    if (answer.statusCode >= 300) throw new Error(answer.body)
    return answer.json()
  }

  /** Fills the place of A. Answers what its things are called. */
  async function fill(): Promise<Names[]> {
    const trees = treesOf('owns')
    for (const tree of trees)
      await accepted({ method: 'POST', url: '/projects', payload: form({ project: await tree }) })
    const project = await pack(simpleProject)
    const shared = { name: 'quarter-3', tags: { team: 'cellar-a' }, parameters: { alpha: 1 } }
    const queued = await accepted({
      method: 'POST',
      url: '/jobs',
      payload: form({ project, ...shared }),
      headers: { 'idempotency-key': '"key-0001"' }
    })
    const batch = await accepted({
      method: 'POST',
      url: '/jobs/batch',
      payload: form({ project, ...shared, jobs: [{}, {}] })
    })
    const keepAs = (status: JobRecord['status']) => keep({ project: queued.project, status })
    const [running, stopping, failed, done] = [
      await keepAs('running'),
      await keepAs('stopping'),
      await keepAs('failed'),
      await keepAs('succeeded')
    ]
    await leave(modelKey(done.id))
    await leave(logKey(done.id))
    const { etag } = (await ask('a', { url: `/jobs/${done.id}` })).headers
    return [queued, running, stopping, failed, done].map(({ id }) => ({
      id,
      batch: batch.id,
      digest: queued.project.digest,
      name: shared.name,
      tag: 'team:cellar-a',
      key: '"key-0001"',
      etag: String(etag),
      trees
    }))
  }

  return { ...parts, ask, fill, reads }
}

const same = <Part>(part: Part) => part

/** As many projects as there are ways to send one; those of another word are as large. */
export const treesOf = (word: string) =>
  Array.from({ length: 40 }, (_, n) =>
    pack({ ...simpleProject, 'data.txt': `${word} ${String(n).padStart(4)}` })
  )

import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { modelKey, projectKey } from '../../../src/server/storage/index.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'

const { digest } = aJob().project

async function withJobs(t: Test, ...ids: string[]) {
  const parts = await testApp(t)
  const { store, storage, folder } = parts
  for (const [key, id] of [
    [projectKey({ tenant: 'default', digest }), ''],
    ...ids.map(id => [modelKey(id), id])
  ]) {
    const file = join(folder, 'file')
    await writeFile(file, 'bytes')
    await storage.put(key ?? '', file)
    if (id) await store.insert(aJob({ id, status: 'succeeded' }))
  }
  return parts
}

t.test(
  'a job that has ended is deleted with its bytes, and with it a project that nobody needs',
  async t => {
    const { app, store, dataDir } = await withJobs(t, 'job-a', 'job-b')

    t.equal((await app.inject({ method: 'DELETE', url: '/jobs/job-a' })).statusCode, 204)
    t.equal(await store.get('job-a'), undefined)
    t.notOk(existsSync(join(dataDir, 'jobs/job-a')))
    t.ok(
      existsSync(join(dataDir, projectKey({ tenant: 'default', digest }))),
      'another job needs it'
    )
    t.ok(existsSync(join(dataDir, modelKey('job-b'))))

    t.equal((await app.inject({ method: 'DELETE', url: '/jobs/job-b' })).statusCode, 204)
    t.notOk(existsSync(join(dataDir, projectKey({ tenant: 'default', digest }))))
  }
)

t.test('it is not there afterwards', async t => {
  const { app } = await withJobs(t, 'job-a')
  await app.inject({ method: 'DELETE', url: '/jobs/job-a' })
  for (const method of ['GET', 'DELETE'] as const)
    t.equal((await app.inject({ method, url: '/jobs/job-a' })).statusCode, 404)
})

t.test('a job that has not ended is not deleted', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'running' }))
  const response = await app.inject({ method: 'DELETE', url: '/jobs/job-a' })
  t.equal(response.statusCode, 409)
  t.match(response.json(), { code: 'JOB_NOT_TERMINAL', detail: /is running/ })
  t.ok(await store.get('job-a'))
})

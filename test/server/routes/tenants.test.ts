/** One tenant's jobs and projects are nowhere in what another is told: tried at every operation of the document. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { modelKey } from '../../../src/server/storage/index.ts'
import { aJob } from '../../helpers/job-record.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'
import { compareTenants } from '../../helpers/tenants/compare.ts'
import { createTwoTenants } from '../../helpers/tenants/two-tenants.ts'

t.test('by no operation can another’s things be told from what is not there', async t => {
  const result = await compareTenants(await createTwoTenants(t))

  t.strictSame(result.toldApart, [])
  t.strictSame(result.moreReads, [], 'neither by the work that it takes')
  t.ok(result.operations >= 20 && result.requests >= 150, 'all of the document was asked')
})

t.test('a second read for what is another’s is found', async t => {
  const tenants = await createTwoTenants(t, {
    store: store => ({
      ...store,
      async get(id, tenant) {
        const job = await store.get(id, tenant)
        if (!job) await store.get(id)
        return job
      }
    })
  })
  const { toldApart, moreReads } = await compareTenants(tenants)

  t.strictSame(toldApart, [])
  t.match(moreReads.join('\n'), 'GET /jobs/{id}: store.get, store.get, store.get brings one')
})

/** Tenant a has a job that has ended, with a model, and a project. */
async function appOfTwo(t: Test) {
  const parts = await createTwoTenants(t)
  const { store, storage, folder } = parts
  const ask = (tenant: string, method: string, url: string, options: object = {}) =>
    parts.ask(tenant, { method: method as 'GET', url, ...options })
  const payload = form({ project: await pack(simpleProject), parameters: { alpha: 1 } })
  const submitted = await ask('a', 'POST', '/jobs', { payload })
  if (submitted.statusCode !== 202) throw new Error(submitted.body)
  const { project } = submitted.json()
  const done = aJob({ id: 'job-done', tenant: 'a', status: 'succeeded', project })
  await store.insert(done)
  const file = join(folder, 'model')
  await writeFile(file, 'bytes')
  await storage.put(modelKey(done.id), file)
  return {
    ...parts,
    ask,
    queued: submitted.json().id as string,
    done: done.id,
    digest: project.digest as string
  }
}

t.test('lists and counts are of one’s own jobs', async t => {
  const { ask, queued, done, digest } = await appOfTwo(t)
  const ids = async (tenant: string, query = '') =>
    (await ask(tenant, 'GET', `/jobs${query}`)).json().items.map(({ id }: { id: string }) => id)

  t.strictSame((await ids('a')).toSorted(), [done, queued].toSorted())
  for (const query of [
    '',
    `?project=${digest}`,
    '?status=queued',
    '?tag=team:cellar',
    '?name=a%20job'
  ])
    t.strictSame(await ids('b', query), [], query)
  t.match((await ask('a', 'GET', '/jobs/summary')).json(), { queued: 1, succeeded: 1 })
  t.match((await ask('b', 'GET', '/jobs/summary')).json(), { queued: 0, succeeded: 0 })
})

t.test(
  'a project of another cannot be named, and sending it oneself does not tell of it',
  async t => {
    const { ask, digest } = await appOfTwo(t)
    const json = { 'content-type': 'application/json' }
    const named = await ask('b', 'POST', '/jobs', { headers: json, payload: { project: digest } })
    t.equal(named.statusCode, 422)
    t.match(named.json(), { errors: [{ detail: /^There is no project/ }] })

    const send = async (tenant: string) =>
      ask(tenant, 'POST', '/projects', { payload: form({ project: await pack(simpleProject) }) })
    t.equal((await send('b')).statusCode, 201, 'it is new to them')
    t.equal((await send('b')).statusCode, 200)
    t.equal((await send('a')).statusCode, 200)
  }
)

t.test('deleting one’s last job of a project leaves another’s project', async t => {
  const { ask, done, digest } = await appOfTwo(t)
  await ask('b', 'POST', '/projects', { payload: form({ project: await pack(simpleProject) }) })

  t.equal((await ask('a', 'DELETE', `/jobs/${done}`)).statusCode, 204)
  t.equal((await ask('b', 'GET', `/projects/${digest}`)).statusCode, 200)
})

t.test('the same Idempotency-Key of two callers leads to two jobs', async t => {
  const { ask } = await appOfTwo(t)
  const submit = async (tenant: string) => {
    const payload = form({ project: await pack(simpleProject), parameters: { alpha: 1 } })
    const headers = { 'idempotency-key': 'k' }
    return (await ask(tenant, 'POST', '/jobs', { payload, headers })).json().id
  }
  const [first, again, other] = [await submit('a'), await submit('a'), await submit('b')]
  t.equal(again, first)
  t.not(other, first)
})

/** One tenant's jobs and projects are nowhere in what another is told: tried at every operation of the document. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { Callers } from '../../../src/server/callers/index.ts'
import { modelKey } from '../../../src/server/storage/index.ts'
import { testAppWith } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

/** A token is its tenant's name. */
const callers: Callers = {
  identify: async tenant => ({ name: 'ci', tenant, scopes: ['read', 'submit', 'admin'] })
}

/** Tenant a has a job that has ended, with a model, and a project. */
async function appOfTwo(t: Test) {
  const parts = await testAppWith(t, { callers })
  const { app, store, storage, folder } = parts
  const ask = (tenant: string, method: string, url: string, options: object = {}) =>
    app.inject({
      method: method as 'GET',
      url,
      headers: { authorization: `Bearer ${tenant}` },
      ...options
    })
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

interface Operation {
  method: string
  path: string
  names: string[]
}

const operationsOf = (app: FastifyInstance): Operation[] =>
  Object.entries((app.swagger() as { paths: Record<string, object> }).paths).flatMap(
    ([path, operations]) =>
      Object.keys(operations).map(method => ({
        method: method.toUpperCase(),
        path,
        names: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
      }))
  )

const urlOf = ({ path, names }: Operation, values: Record<string, string>) =>
  names.reduce((url, name) => url.replace(`{${name}}`, values[name] ?? 'x'), path)

t.test('every operation answers of another’s job or project as of none', async t => {
  const { app, ask, queued, done, digest } = await appOfTwo(t)
  const operations = operationsOf(app).filter(({ names }) => names.length > 0)
  t.ok(operations.length >= 11, `${operations.length} operations`)
  const none = { id: 'job-none', digest: `sha256:${'0'.repeat(64)}` }

  for (const operation of operations)
    for (const id of [queued, done]) {
      const foreign = await ask('b', operation.method, urlOf(operation, { id, digest }))
      const absent = await ask('b', operation.method, urlOf(operation, none))
      const what = `${operation.method} ${operation.path} of ${id}`
      t.equal(foreign.statusCode, 404, what)
      t.equal(
        withoutNames(foreign.body, [id, digest, foreign.headers['x-request-id']]),
        withoutNames(absent.body, [none.id, none.digest, absent.headers['x-request-id']]),
        what
      )
      t.strictSame(Object.keys(foreign.headers), Object.keys(absent.headers), what)
    }
  for (const id of [queued, done])
    t.equal((await ask('a', 'GET', `/jobs/${id}`)).statusCode, 200, 'nothing has happened to it')
})

const withoutNames = (body: string, names: unknown[]) =>
  names.reduce<string>((text, name) => text.replaceAll(String(name), '…'), body)

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
    const json = { 'content-type': 'application/json', authorization: 'Bearer b' }
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
    const headers = { authorization: `Bearer ${tenant}`, 'idempotency-key': 'k' }
    return (await ask(tenant, 'POST', '/jobs', { payload, headers })).json().id
  }
  const [first, again, other] = [await submit('a'), await submit('a'), await submit('b')]
  t.equal(again, first)
  t.not(other, first)
})

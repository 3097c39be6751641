import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { testApp } from '../../helpers/app.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

type Fields = Record<string, unknown>

const project = await pack(simpleProject)
const submit = (app: FastifyInstance, key: string, fields: Fields, url = '/jobs') =>
  app.inject({
    method: 'POST',
    url,
    headers: { 'idempotency-key': key },
    payload: form({ project, ...fields })
  })

t.test('the same key and content lead to the same job, and the answer says so', async t => {
  const { app, store } = await testApp(t)
  const fields = { parameters: { alpha: 1 }, tags: { a: 'x', b: 'y' } }

  const first = await submit(app, '"key-1"', fields)
  const second = await submit(app, 'key-1', {
    ...fields,
    tags: { b: 'y', a: 'x' },
    entryPoint: 'main'
  })

  t.equal(first.statusCode, 202, first.body)
  t.notOk(first.headers['idempotent-replayed'])
  t.equal(second.statusCode, 202)
  t.equal(second.headers['idempotent-replayed'], 'true')
  t.equal(second.headers.location, first.headers.location)
  t.equal(second.json().id, first.json().id)
  t.equal((await store.list({ limit: 9 })).length, 1)
})

for (const [title, change] of [
  ['a parameter', { parameters: { alpha: 2 } }],
  ['a number written otherwise', { parameters: { alpha: 1.5 } }],
  ['a file of the project', { project: await pack({ ...simpleProject, more: 'x' }) }],
  ['the name', { name: 'other' }]
] as const)
  t.test(`the same key with ${title} changed is refused`, async t => {
    const { app, store } = await testApp(t)
    await submit(app, 'key', { parameters: { alpha: 1 } })

    const response = await submit(app, 'key', { parameters: { alpha: 1 }, ...change })

    t.equal(response.statusCode, 422)
    t.match(response.json(), { code: 'IDEMPOTENCY_KEY_REUSED' })
    t.equal((await store.list({ limit: 9 })).length, 1)
  })

t.test('what is wrong in itself is refused, though what is left of it was sent before', async t => {
  const { app } = await testApp(t)
  await submit(app, 'key', { parameters: { alpha: 1 } })

  const response = await submit(app, 'key', { parameters: { alpha: 1 }, run: false, tags: [[]] })

  t.equal(response.statusCode, 422)
  t.same(
    response.json().errors.map(({ pointer }: { pointer: string }) => pointer),
    ['/run', '/tags']
  )
})

t.test('a key is free after a submission that was refused or a dry run', async t => {
  const { app } = await testApp(t)
  t.equal((await submit(app, 'key', { parameters: { aplha: 1 } })).statusCode, 422)
  t.equal(
    (await submit(app, 'key', { parameters: { alpha: 1 } }, '/jobs?dryRun=true')).statusCode,
    200
  )
  t.equal((await submit(app, 'key', { parameters: { alpha: 2 } })).statusCode, 202)
})

t.test('a key is free after its job was deleted', async t => {
  const { app, store } = await testApp(t)
  const first = (await submit(app, 'key', { parameters: { alpha: 1 } })).json()
  const job = await store.get(first.id)
  if (job) await store.save({ ...job, status: 'stopped' })
  t.equal((await app.inject({ method: 'DELETE', url: `/jobs/${first.id}` })).statusCode, 204)
  t.not((await submit(app, 'key', { parameters: { alpha: 1 } })).json().id, first.id)
})

t.test('a batch’s key is free after the last of its jobs was deleted, and not before', async t => {
  const { app, store } = await testApp(t)
  const batch = () =>
    submit(app, 'key', { jobs: [1, 2].map(alpha => ({ parameters: { alpha } })) }, '/jobs/batch')
  const first = (await batch()).json()
  for (const [n, { id }] of first.items.entries()) {
    const left = await batch()
    t.equal(left.headers['idempotent-replayed'], 'true')
    t.same(left.json(), { ...first, items: first.items.slice(n) })
    const job = await store.get(id)
    if (job) await store.save({ ...job, status: 'stopped' })
    t.equal((await app.inject({ method: 'DELETE', url: `/jobs/${id}` })).statusCode, 204)
  }

  const again = await batch()

  t.equal(again.statusCode, 202, again.body)
  t.notOk(again.headers['idempotent-replayed'])
  t.equal(again.json().items.length, 2)
})

t.test('a batch of one job is other content than that job alone', async t => {
  const { app } = await testApp(t)
  const fields = { parameters: { alpha: 1 } }
  const jobs = [fields]
  t.equal((await submit(app, 'job', fields)).statusCode, 202)
  t.equal((await submit(app, 'batch', { jobs }, '/jobs/batch')).statusCode, 202)

  for (const response of [
    await submit(app, 'job', { jobs }, '/jobs/batch'),
    await submit(app, 'batch', fields)
  ]) {
    t.equal(response.statusCode, 422)
    t.match(response.json(), { code: 'IDEMPOTENCY_KEY_REUSED' })
  }
})

for (const key of ['', '""', '"a', 'a b', 'ü', '"a"b"', 'x'.repeat(256)])
  t.test(`the key ${JSON.stringify(key.slice(0, 9))} is malformed`, async t => {
    const { app } = await testApp(t)
    const response = await submit(app, key, {})
    t.equal(response.statusCode, 400)
    t.match(response.json(), { code: 'MALFORMED_REQUEST', detail: /1 to 255 characters/ })
  })

t.test('many requests with one key at once make one job, though some are cut off', async t => {
  const { app, store } = await testApp(t)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const large = await pack({ ...simpleProject, data: randomBytes(300_000).toString('base64') })
  const body = () => form({ project: large, parameters: { alpha: 1 } })

  const cut = Array.from({ length: 5 }, () => sendHalf(Number(new URL(url).port)))
  const whole = Array.from({ length: 15 }, () =>
    fetch(`${url}/jobs`, {
      method: 'POST',
      headers: { 'idempotency-key': 'storm' },
      body: body()
    }).then(async response => ({
      status: response.status,
      id: JSON.parse(await response.text()).id
    }))
  )
  await Promise.all(cut)
  const answers = await Promise.all(whole)

  const [first] = await store.list({ limit: 9 })
  t.same(new Set(answers.map(({ status }) => status)), new Set([202]))
  t.same(new Set(answers.map(({ id }) => id)), new Set([first?.id]))
  t.equal((await store.list({ limit: 9 })).length, 1)
})

/** A client that goes away in the middle of its upload. */
async function sendHalf(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    [
      'POST /jobs HTTP/1.1',
      'Host: 127.0.0.1',
      'Idempotency-Key: storm',
      'Content-Type: multipart/form-data; boundary=x',
      'Content-Length: 1000000',
      '',
      '--x',
      'Content-Disposition: form-data; name="project"; filename="p.tar.gz"',
      '',
      'half of it'
    ].join('\r\n')
  )
  await sleep(100)
  socket.destroy()
}

t.test('a batch and a job that is run again have keys, too', async t => {
  const { app, store } = await testApp(t)
  const jobs = [{ parameters: { alpha: 1 } }, { parameters: { alpha: 2 } }]
  const first = await submit(app, 'batch', { jobs }, '/jobs/batch')
  const second = await submit(app, 'batch', { jobs }, '/jobs/batch')
  t.equal(second.headers['idempotent-replayed'], 'true')
  t.same(second.json(), first.json())
  const other = await submit(app, 'batch', { jobs: jobs.slice(1) }, '/jobs/batch')
  t.equal(other.statusCode, 422)

  const url = `/jobs/${first.json().items[0].id}/rerun`
  const headers = { 'idempotency-key': 'again' }
  const again = await app.inject({ method: 'POST', url, headers })
  t.equal(again.statusCode, 202, again.body)
  t.equal((await app.inject({ method: 'POST', url, headers })).json().id, again.json().id)
  t.equal((await store.list({ limit: 9 })).length, 3)
})

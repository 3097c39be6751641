/** Beyond its bounds the service refuses, says so, and serves what it has. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Scope } from '../../../src/server/callers/index.ts'
import { createDisk } from '../../../src/server/disk.ts'
import { createPlaces } from '../../../src/server/places.ts'
import { modelKey } from '../../../src/server/storage/index.ts'
import { testApp, testAppWith } from '../../helpers/app.ts'
import { makeTar } from '../../helpers/archives.ts'
import { aJob } from '../../helpers/job-record.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

/** An app with one place of each kind. */
async function narrowApp(t: Test) {
  const places = createPlaces({ uploads: 1, downloads: 1, waiters: 1, followers: 1 })
  const made = await testAppWith(t, { places })
  const url = await made.app.listen({ host: '127.0.0.1', port: 0 })
  /** Once so many places of the kind are taken. */
  const taken = async (kind: keyof typeof places.limits, count: number) => {
    while (places.taken(kind) !== count) await sleep(5)
  }
  return { ...made, url, places, taken }
}

const submission = async (fields = {}) =>
  form({ project: await pack(simpleProject), parameters: { alpha: 1 }, ...fields })

/** A connection on which an upload has begun. */
function beginUpload(url: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  socket.write(
    'POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n--b\r\n'
  )
  return socket
}

t.test('an upload too many is a 503 before its body is read, until another ends', async t => {
  const { app, url, taken } = await narrowApp(t)
  const socket = beginUpload(url)
  await taken('uploads', 1)

  for (const path of ['/jobs', '/jobs/batch', '/jobs/job-a/rerun', '/projects']) {
    const refused = await app.inject({ method: 'POST', url: path, payload: {} })
    t.match(refused.json(), { status: 503, code: 'SERVICE_BUSY' }, path)
    t.equal(refused.headers['retry-after'], '5')
  }
  t.equal((await app.inject('/jobs')).statusCode, 200, 'others are served')

  socket.destroy()
  await taken('uploads', 0)
  const accepted = await app.inject({ method: 'POST', url: '/jobs', payload: await submission() })
  t.equal(accepted.statusCode, 202)
})

t.test('a client that is refused while it sends gets the answer', async t => {
  const { url, taken } = await narrowApp(t)
  const socket = beginUpload(url)
  t.teardown(() => socket.destroy())
  await taken('uploads', 1)

  const body = form({ project: new Blob([Buffer.alloc(8 * 2 ** 20)]) })
  const refused = await fetch(`${url}/jobs`, { method: 'POST', body })

  t.equal(refused.status, 503)
  t.match(await refused.json(), { code: 'SERVICE_BUSY' })
})

t.test('a client that sends all before it reads gets the answer, too', async t => {
  const { url, taken } = await narrowApp(t)
  const first = beginUpload(url)
  t.teardown(() => first.destroy())
  await taken('uploads', 1)

  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    `POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: ${8 * 2 ** 20}\r\n\r\n`
  )
  // Answered by now, and closed.
  await sleep(100)
  for (let n = 0; n < 8; n++)
    await new Promise((resolve, reject) =>
      socket.write(Buffer.alloc(2 ** 20), error => (error ? reject(error) : resolve(undefined)))
    )

  const answer = Buffer.concat(await Array.fromAsync(socket)).toString()
  t.match(answer, /^HTTP\/1\.1 503 /)
  t.match(answer, /connection: close/i)
  t.match(answer, 'SERVICE_BUSY')
})

t.test('uploads that are refused, malformed or broken off leave no place taken', async t => {
  const { app, url, places, taken } = await narrowApp(t)
  const json = { 'content-type': 'application/json' }
  for (const [payload, headers] of [
    ['{', json],
    ['{}', json],
    ['x', { 'content-type': 'text/plain' }],
    ['--b\r\n', { 'content-type': 'multipart/form-data; boundary=b' }]
  ] as const) {
    await app.inject({ method: 'POST', url: '/jobs', payload, headers })
    t.equal(places.taken('uploads'), 0, payload)
  }
  for (let n = 0; n < 20; n++) {
    const socket = beginUpload(url)
    await taken('uploads', 1)
    socket.destroy()
    await taken('uploads', 0)
  }
})

t.test('one who waits or follows too many is a 429, and may ask without waiting', async t => {
  const { app, url, store, taken } = await narrowApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'running' }))
  const leaving = new AbortController()
  const { signal } = leaving
  for (const path of ['/jobs/job-a?wait=60', '/jobs/job-a/logs?follow=true'])
    fetch(url + path, { signal }).catch(() => {})
  await taken('waiters', 1)
  await taken('followers', 1)

  for (const path of ['/jobs/job-a?wait=60', '/jobs/job-a/logs?follow=true']) {
    const refused = await app.inject(path)
    t.match(refused.json(), { status: 429, code: 'TOO_MANY_WAITING' })
    t.equal(refused.headers['retry-after'], '5')
  }
  for (const path of ['/jobs/job-a', '/jobs/job-a?wait=0', '/jobs/job-a/logs'])
    t.equal((await app.inject(path)).statusCode, 200, path)

  leaving.abort()
  await taken('waiters', 0)
  await taken('followers', 0)
})

t.test('a download too many is a 503, until another ends', async t => {
  const { app, url, store, storage, dataDir, taken } = await narrowApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'succeeded' }))
  const file = `${dataDir}/model`
  await writeFile(file, Buffer.alloc(64 * 2 ** 20))
  await storage.put(modelKey('job-a'), file)
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  socket.pause()
  socket.write('GET /jobs/job-a/model HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await taken('downloads', 1)

  const refused = await app.inject('/jobs/job-a/model')
  t.match(refused.json(), { status: 503, code: 'SERVICE_BUSY' })
  for (const path of ['/jobs/job-a/provenance', `/projects/${aJob().project.digest}`])
    t.match((await app.inject(path)).json(), { code: 'SERVICE_BUSY' }, `${path} reads an archive`)

  socket.destroy()
  await taken('downloads', 0)
  t.equal((await app.inject('/jobs/job-a/provenance')).statusCode, 200)
  await taken('downloads', 0)
})

t.test('a full queue takes no job, but answers for those that it has', async t => {
  const { app } = await testApp(t, { queuedJobs: 2 })
  const submit = async (key?: string, url = '/jobs', fields = {}) =>
    app.inject({
      method: 'POST',
      url,
      payload: await submission(fields),
      ...(key ? { headers: { 'idempotency-key': key } } : {})
    })
  const first = await submit('one')
  t.equal(first.statusCode, 202)
  const batch = await submit(undefined, '/jobs/batch', { jobs: [{}, {}] })
  t.match(batch.json(), { status: 503, code: 'QUEUE_FULL' }, 'all of a batch, or none')
  t.equal((await submit()).statusCode, 202)

  for (const key of [undefined, 'another']) {
    const refused = await submit(key)
    t.match(refused.json(), {
      status: 503,
      code: 'QUEUE_FULL',
      detail:
        'The queue of the service is full: of all callers together, no more than 2 jobs may wait.'
    })
    t.equal(refused.headers['retry-after'], '5')
  }
  t.equal((await submit('one')).json().id, first.json().id, 'a repetition is no new job')
  t.equal((await submit(undefined, '/jobs?dryRun=true')).statusCode, 200)
  t.equal((await app.inject('/jobs')).json().items.length, 2)
})

t.test('a tenant with a full queue is refused, and others are not', async t => {
  const callers = {
    identify: async (tenant: string) => ({ name: 'ci', tenant, scopes: Scope.enum })
  }
  const { app } = await testApp(t, { tenantQueuedJobs: 1 }, undefined, undefined, { callers })
  const submit = async (tenant: string) =>
    app.inject({
      method: 'POST',
      url: '/jobs',
      payload: await submission(),
      headers: { authorization: `Bearer ${tenant}` }
    })
  t.equal((await submit('a')).statusCode, 202)

  const refused = await submit('a')
  t.match(refused.json(), {
    status: 429,
    code: 'TENANT_QUEUE_FULL',
    detail: '1 jobs of the tenant a wait; no more than 1 of one tenant may.'
  })
  t.equal(refused.headers['retry-after'], '5')
  t.equal((await submit('b')).statusCode, 202)
})

t.test('a disk that is nearly full takes no submission; all else goes on', async t => {
  const disk = createDisk(t.testdir(), Number.MAX_SAFE_INTEGER)
  const { app, store, folder } = await testAppWith(t, { disk })
  await store.insert(aJob({ id: 'job-a' }))

  for (const url of ['/jobs', '/jobs/batch', '/jobs/job-a/rerun', '/projects']) {
    const refused = await app.inject({ method: 'POST', url, payload: await submission() })
    t.match(refused.json(), { status: 503, code: 'DISK_FULL' }, url)
    t.match(refused.json().detail, /bytes left, of which 9007199254740991 are kept/)
    t.equal(refused.headers['retry-after'], '5')
  }
  t.equal((await app.inject('/jobs/job-a')).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/jobs/job-a/stop' })).statusCode, 202)
  const readiness = await app.inject('/readyz')
  t.equal(readiness.statusCode, 503)
  t.match(readiness.json(), { ready: false, store: { ok: true }, disk: { ok: false } })
  t.same(await readdir(folder), [])
})

/** An app on a disk with as much room as the test says, of which nothing is kept. */
async function appWithRoom(t: Test, freeBytes: number) {
  const room = { freeBytes }
  const disk = createDisk(t.testdir(), 0, async () => room.freeBytes)
  const made = await testAppWith(t, { disk })
  const url = await made.app.listen({ host: '127.0.0.1', port: 0 })
  const claimed = async (bytes: number) => {
    while (disk.claimedBytes() !== bytes) await sleep(5)
  }
  return { ...made, url, room, disk, claimed }
}

t.test('what is still to come of uploads that have begun is not given to others', async t => {
  const { app, url, folder, claimed } = await appWithRoom(t, 1_500_000)
  const socket = beginUpload(url)
  await claimed(1_000_000)

  const body = Buffer.alloc(600_000)
  for (const path of ['/jobs', '/jobs/batch', '/projects']) {
    const refused = await fetch(`${url}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/gzip' }
    })
    t.equal(refused.status, 503, path)
    t.equal(refused.headers.get('retry-after'), '5')
    t.match(await refused.json(), {
      code: 'DISK_FULL',
      detail:
        'The service’s disk has 1500000 bytes left, of which 0 are kept for running jobs; 1000000 are for other submissions that are under way; this one needs 600000.'
    })
  }
  const small = await app.inject({ method: 'POST', url: '/jobs', payload: await submission() })
  t.equal(small.statusCode, 202, 'what fits is taken')

  socket.destroy()
  await claimed(0)
  t.same(await readdir(folder), [])
})

t.test('of many uploads at once only as many begin as the disk has room for', async t => {
  const { url, disk } = await appWithRoom(t, 3_500_000)
  const sockets = Array.from({ length: 20 }, () => beginUpload(url))
  t.teardown(() => sockets.forEach(socket => void socket.destroy()))
  const answers: string[] = []
  for (const socket of sockets) socket.once('data', head => answers.push(String(head)))
  while (answers.length < 17) await sleep(5)

  for (const answer of answers) t.match(answer, /^HTTP\/1.1 503 .*"code":"DISK_FULL"/s)
  t.equal(disk.claimedBytes(), 3_000_000)
})

for (const [what, project] of [
  ['bytes that are spooled', randomBytes(2 ** 25)],
  ['a tar that is inspected while it comes', makeTar([{ path: 'a', body: randomBytes(2 ** 25) }])]
] as const) {
  t.test(`an upload of unknown length ends where the disk has no more room: ${what}`, async t => {
    const { url, folder, room, disk } = await appWithRoom(t, 8 * 2 ** 20)
    async function* pieces() {
      for (let start = 0; start < project.length; start += 2 ** 16) {
        yield project.subarray(start, start + 2 ** 16)
        room.freeBytes -= 2 ** 16
      }
    }
    const refused = await fetch(`${url}/projects`, {
      method: 'POST',
      body: pieces(),
      duplex: 'half',
      headers: { 'content-type': 'application/gzip' }
    })
    t.equal(refused.status, 503)
    t.match(await refused.json(), { code: 'DISK_FULL' })
    t.same(await readdir(folder), [])
    t.equal(disk.claimedBytes(), 0)
  })
}

t.test('a connection too many is closed, and has room when another has gone', async t => {
  const { app } = await testAppWith(t, { connections: 1 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const port = Number(new URL(url).port)
  const first = connect(port, '127.0.0.1')
  await once(first, 'connect')
  const second = connect(port, '127.0.0.1')
    .on('error', () => {})
    .resume()

  await once(second, 'close')

  t.equal(second.bytesRead, 0)
  first.destroy()
  while ((await connections(app.server)) > 0) await sleep(5)
  t.equal((await fetch(`${url}/livez`)).status, 200)
})

const connections = (server: Server) =>
  new Promise<number>(resolve => server.getConnections((_error, count) => resolve(count)))

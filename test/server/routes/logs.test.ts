import { createHash } from 'node:crypto'
import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { StoreUnavailable } from '../../../src/server/errors.ts'
import { logRoutes } from '../../../src/server/routes/logs.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import { logKey } from '../../../src/server/storage/index.ts'
import { testApp } from '../../helpers/app.ts'
import { parseEvents, textOf } from '../../helpers/events.ts'
import { aJob } from '../../helpers/job-record.ts'
import { printingJob } from '../../helpers/printing-job.ts'

const asEvents = { accept: 'text/event-stream' }

async function appWithJob(t: Test) {
  const reads = { count: 0, away: false }
  const made = await testApp(t, {}, createFilesystem, store => ({
    ...store,
    async get(id) {
      reads.count++
      if (reads.away) throw new StoreUnavailable('The database of jobs is away.')
      return store.get(id)
    }
  }))
  const job = await printingJob(made)
  const ask = (query: string, headers: Record<string, string> = {}) =>
    made.app.inject({ url: `/jobs/${job.id}/logs${query}`, headers })
  /** Ends the job as the loop does: its log goes to storage, and the backend forgets it. */
  async function end(exitCode = 0) {
    await job.exit(exitCode)
    made.jobs.start()
    await made.store.waitFor(job.id, now => now.endedAt !== null, AbortSignal.timeout(60_000))
  }
  return { ...made, ...job, reads, ask, end }
}

/** The answer's head, over a real connection. */
const open = (url: string, headers: Record<string, string> = {}) =>
  new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { headers, agent: false }, resolve).on('error', reject)
  )

t.test('a log is read a piece at a time, and each answer says where it began', async t => {
  const { ask, print } = await appWithJob(t)
  await print('0123456789')

  const whole = await ask('')
  const middle = await ask('?offset=4&limit=3')
  const rest = await ask('?offset=7&limit=30')
  const beyond = await ask('?offset=12')

  t.equal(whole.body, '0123456789')
  t.match(whole.headers, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': '10',
    'log-offset': '0',
    'log-size': '10',
    'log-complete': 'false'
  })
  t.equal(middle.body, '456')
  t.match(middle.headers, { 'log-offset': '4', 'log-size': '10', 'content-length': '3' })
  t.equal(rest.body, '789')
  t.equal(beyond.statusCode, 200, 'the log may still grow to there')
  t.match(beyond.headers, { 'content-length': '0', 'log-size': '10' })
})

for (const [tail, lines] of [
  [0, ''],
  [1, 'three'],
  [2, 'two\nthree'],
  [9, 'one\ntwo\nthree']
] as const)
  t.test(`?tail=${tail} is the last ${tail} lines`, async t => {
    const { ask, print } = await appWithJob(t)
    await print('one\ntwo\nthree')

    const response = await ask(`?tail=${tail}`)

    t.equal(response.body, lines)
    t.equal(response.headers['log-offset'], String('one\ntwo\nthree'.length - lines.length))
  })

t.test('HEAD says how far a log reaches, and follows nothing', async t => {
  const { app, print } = await appWithJob(t)
  await print('0123456789')

  const head = await app.inject({ method: 'HEAD', url: '/jobs/job-a/logs' })
  const follow = await app.inject({ method: 'HEAD', url: '/jobs/job-a/logs?follow=true' })

  t.match(head.headers, { 'log-size': '10', 'content-length': '10' })
  t.equal(follow.statusCode, 200)
  t.equal(follow.body, '')
})

for (const [query, names, headers] of [
  ['tail=1&offset=1', ['"tail"', '"offset"']],
  ['tail=1&limit=1', ['"tail"', '"limit"']],
  ['follow=true&limit=1', ['"follow"', '"limit"']],
  ['limit=1', ['Events', '"limit"'], asEvents],
  ['follow=false', ['Events', '"follow=false"'], asEvents],
  ['tail=1&offset=1&limit=1', ['"tail" and "offset"', '"tail" goes', '"limit"']]
] as const)
  t.test(
    `?${query} is refused${headers ? ' for events' : ''}, with what excludes what`,
    async t => {
      const { ask } = await appWithJob(t)

      const response = await ask(`?${query}`, headers)

      t.equal(response.statusCode, 400)
      for (const name of names) t.ok(response.json().detail.includes(name), name)
    }
  )

for (const query of ['tail=-1', 'offset=-1', 'limit=0', 'offset=1e400', 'follow=yes', 'tial=1'])
  t.test(`?${query} is refused`, async t => {
    const { ask } = await appWithJob(t)
    t.equal((await ask(`?${query}`)).statusCode, 400)
  })

t.test('a Last-Event-ID that is none is refused', async t => {
  const { ask } = await appWithJob(t)
  const response = await ask('', { ...asEvents, 'last-event-id': 'abc' })
  t.equal(response.statusCode, 400)
  t.match(response.json().detail, /a number of bytes; "abc" is none/)
})

t.test('what lies behind the end of a whole log is a 416', async t => {
  const { ask, print, end } = await appWithJob(t)
  await print('0123456789')
  await end()

  t.equal((await ask('?offset=10')).body, '')
  for (const headers of [{}, asEvents]) {
    const response = await ask('?offset=11', headers)
    t.equal(response.statusCode, 416)
    t.match(response.json(), { code: 'RANGE_NOT_SATISFIABLE', detail: /the 10 bytes/ })
  }
})

for (const [accept, type] of [
  ['text/event-stream', 'text/event-stream'],
  ['Text/Event-Stream;q=0.9, text/plain', 'text/event-stream'],
  ['text/plain, text/event-stream', 'text/plain'],
  ['*/*', 'text/plain'],
  ['application/json', 'text/plain']
] as const)
  t.test(`Accept: ${accept} is answered by ${type}`, async t => {
    const { ask, end } = await appWithJob(t)
    await end()
    t.match((await ask('', { accept })).headers['content-type'], `${type}; charset=utf-8`)
  })

t.test('events carry the log as it is printed, and how the job ended', async t => {
  const { app, print, end } = await appWithJob(t)
  await print('one\ntw')
  const url = await app.listen({ port: 0 })

  const answer = await open(`${url}/jobs/job-a/logs`, asEvents)
  const stream = text(answer)
  await print(Buffer.from('o é\r50%').subarray(0, 3))
  await sleep(300)
  await print(Buffer.from('o é\r50%').subarray(3))
  await end(3)
  const events = parseEvents(await stream)

  t.match(answer.headers, { 'content-type': /^text\/event-stream/, 'x-accel-buffering': 'no' })
  t.equal(textOf(events), 'one\ntwo é\r50%')
  t.equal(events.at(-1)?.event, 'end')
  t.match(JSON.parse(events.at(-1)?.data ?? ''), {
    status: 'failed',
    statusReason: /exit code 3/,
    failure: { kind: 'platform', exitCode: 3 }
  })
})

t.test('a stream that is resumed gets what is missing, and the end again', async t => {
  const { ask, print, end } = await appWithJob(t)
  await print('0123456789')
  await end()

  const resumed = await ask('?offset=2', { ...asEvents, 'last-event-id': '4' })
  const again = await ask('?tail=1', { ...asEvents, 'last-event-id': '10' })
  const begun = await ask('?offset=2', asEvents)

  t.match(parseEvents(resumed.body), [
    { id: '10', event: 'log', data: '{"text":"456789","offset":4}' },
    { event: 'end' }
  ])
  t.match(parseEvents(again.body), [{ event: 'end' }])
  t.equal(textOf(parseEvents(begun.body)), '23456789')
})

t.test('a silent stream of events shows that it lives', async t => {
  const { app, places } = await appWithJob(t)
  await app.register(logRoutes, { places, heartbeatMilliseconds: 10, prefix: '/often' })
  const url = await app.listen({ port: 0 })

  const answer = await open(`${url}/often/jobs/job-a/logs`, asEvents)
  let seen = ''
  for await (const chunk of answer) {
    seen += chunk
    if (seen.split(': heartbeat\n\n').length > 2) break
  }

  t.strictSame(parseEvents(seen), [
    { id: '', event: '', data: '' },
    { id: '', event: '', data: '' }
  ])
})

t.test(
  'a service that stops cuts its followers off: no text is taken for whole, no event says end',
  async t => {
    const { app, print } = await appWithJob(t)
    await print('one\n')
    const url = await app.listen({ port: 0 })
    const plain = await open(`${url}/jobs/job-a/logs?follow=true`)
    const events = await open(`${url}/jobs/job-a/logs`, asEvents)
    const read = Promise.allSettled([text(plain), text(events)])

    await app.close()
    const [ofText, ofEvents] = await read

    t.equal(ofText.status, 'rejected')
    t.match(ofEvents, { status: 'fulfilled', value: /one/ })
    t.notMatch(ofEvents, { value: /event: end/ })
  }
)

t.test(
  'the log can be read when it has gone to storage before the job counts as ended',
  async t => {
    const { ask, storage, print, file } = await appWithJob(t)
    await print('0123456789')
    await storage.put(logKey('job-a'), file)

    const response = await ask('')

    t.equal(response.body, '0123456789')
    t.match(response.headers, { 'log-complete': 'false' })
  }
)

t.test(
  'a follower outlives a store that is away for a moment; who comes meanwhile is a 503',
  async t => {
    const { app, ask, print, end, reads } = await appWithJob(t)
    const url = await app.listen({ port: 0 })
    await print('before\n')
    const plain = text(await open(`${url}/jobs/job-a/logs?follow=true`))
    reads.away = true
    const before = reads.count
    while (reads.count < before + 2) await sleep(10)
    t.match(await ask(''), { statusCode: 503, headers: { 'retry-after': String } })
    await print('meanwhile\n')
    reads.away = false
    await end()
    t.equal(await plain, 'before\nmeanwhile\n')
  }
)

t.test('followers and later readers see the same bytes', async t => {
  const { app, ask, print, end } = await appWithJob(t)
  const url = await app.listen({ port: 0 })
  let printed = ''

  const plain = text(await open(`${url}/jobs/job-a/logs?follow=true`))
  const events = text(await open(`${url}/jobs/job-a/logs`, asEvents))
  for (let line = 0; line < 200; line++) {
    const words = `${line} é😀\r`.repeat(200)
    printed += words
    await print(words)
  }
  await end()

  t.ok((await plain) === printed, 'as text')
  t.ok(textOf(parseEvents(await events)) === printed, 'as events')
  t.ok((await ask('')).body === printed, 'later')
})

t.test('the log of a job that never printed is empty, and whole', async t => {
  const { app, store } = await appWithJob(t)
  await store.insert(aJob({ id: 'job-b', status: 'stopped' }))

  const response = await app.inject('/jobs/job-b/logs?follow=true')

  t.equal(response.body, '')
  t.match(response.headers, { 'log-size': '0', 'log-complete': 'true' })
})

t.test('of 200 followers, one that never reads holds up nobody and takes no memory', async t => {
  const { app, print, end, reads } = await appWithJob(t)
  let stuck: ServerResponse | undefined
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers['x-stuck']) stuck = reply.raw
  })
  const url = await app.listen({ port: 0 })
  const early = Buffer.alloc(16 * 1024 * 1024, 'loss: 0.123456789\n')
  const late = Buffer.alloc(256 * 1024, 'accuracy: 0.987654321\n')
  await print(early)

  const never = await open(`${url}/jobs/job-a/logs?follow=true`, { 'x-stuck': 'yes' })
  const followers = await Promise.all(
    Array.from({ length: 199 }, () =>
      open(`${url}/jobs/job-a/logs?follow=true&offset=${early.length}`)
    )
  )
  const before = reads.count
  const seen = Promise.all(followers.map(async answer => digest(await buffer(answer))))
  await print(late.subarray(0, 100_001))
  await sleep(300)
  await print(late.subarray(100_001))
  await end()

  t.strictSame(new Set(await seen), new Set([digest(late)]))
  t.ok(reads.count - before < followers.length, 'they shared each look at the log')
  t.ok((stuck?.socket?.bytesWritten ?? 0) < early.length, 'one is stuck')
  t.ok((stuck?.writableLength ?? 0) < 1024 * 1024, 'and little is kept for it')

  const all = digest(Buffer.concat([early, late]))
  t.equal(digest(await buffer(never)), all, 'when it reads at last, nothing is missing')
})

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { moveJob } from '../../../src/server/jobs/move-job.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import type { Store } from '../../../src/server/store/index.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'

const job = aJob({ id: 'job-a' })
const ended = aJob({ id: 'job-b', status: 'succeeded' })

async function appWithJobs(t: Test) {
  const reads = { count: 0 }
  const countingReads = (store: Store): Store => ({
    ...store,
    get(id) {
      reads.count++
      return store.get(id)
    }
  })
  const made = await testApp(t, {}, createFilesystem, countingReads)
  await made.store.insert(job)
  await made.store.insert(ended)
  const ask = (url: string, headers: Record<string, string> = {}) =>
    made.app.inject({ url, headers })
  const waiters = async (count: number) => {
    while (made.store.waiters() !== count) await sleep(5)
  }
  return { ...made, reads, ask, waiters }
}

t.test('a job has a tag, by which it is not sent twice', async t => {
  const { ask } = await appWithJobs(t)

  const first = await ask('/jobs/job-a')
  const tag = String(first.headers.etag)
  const second = await ask('/jobs/job-a', { 'if-none-match': tag })

  t.match(tag, /^"[\w-]+"$/, 'strong')
  t.match(first.headers, { 'cache-control': 'private, no-cache', 'retry-after': '2' })
  t.equal(second.statusCode, 304)
  t.equal(second.body, '')
  t.equal(second.headers.etag, tag)
})

t.test('HEAD says the tag alone', async t => {
  const { app, ask } = await appWithJobs(t)

  const head = await app.inject({ method: 'HEAD', url: '/jobs/job-a' })

  t.equal(head.headers.etag, (await ask('/jobs/job-a')).headers.etag)
  t.equal(head.body, '')
})

t.test('the tag is another when the job has changed', async t => {
  const { ask, store } = await appWithJobs(t)
  const tag = String((await ask('/jobs/job-a')).headers.etag)

  await moveJob(store, job, 'starting', null, {})
  const response = await ask('/jobs/job-a', { 'if-none-match': `"other", W/${tag}` })

  t.equal(response.statusCode, 200)
  t.equal(response.json().status, 'starting')
  t.not(response.headers.etag, tag)
})

t.test('a job that has ended need not be asked for again, and is not waited for', async t => {
  const { ask } = await appWithJobs(t)

  const response = await ask('/jobs/job-b?wait=60')
  const known = await ask('/jobs/job-b?wait=60', { 'if-none-match': String(response.headers.etag) })

  t.equal(response.json().status, 'succeeded')
  t.notOk(response.headers['retry-after'])
  t.equal(known.statusCode, 304)
})

t.test('?wait answers at the next change', async t => {
  const { ask, store, waiters } = await appWithJobs(t)

  const waiting = ask('/jobs/job-a?wait=60')
  await waiters(1)
  await moveJob(store, job, 'starting', null, {})

  t.equal((await waiting).json().status, 'starting')
})

t.test('what changes nothing that is shown, or another job, wakes nobody', async t => {
  const { ask, store, waiters } = await appWithJobs(t)
  const other = aJob({ id: 'job-c' })
  await store.insert(other)

  const waiting = ask('/jobs/job-a?wait=60')
  await waiters(1)
  await moveJob(store, other, 'starting', null, {})
  await store.requestStop('job-a', '2026-01-02T03:04:06.000Z')
  await sleep(0)
  t.equal(store.waiters(), 1)
  const stopping = await store.get('job-a')
  if (stopping) await moveJob(store, stopping, 'stopping', 'A stop was asked for.', {})

  t.equal((await waiting).json().status, 'stopping')
})

t.test('?wait answers at once when the job is no longer the one that is known', async t => {
  const { ask, store } = await appWithJobs(t)
  const tag = String((await ask('/jobs/job-a')).headers.etag)
  await moveJob(store, job, 'starting', null, {})

  const response = await ask('/jobs/job-a?wait=60', { 'if-none-match': tag })

  t.equal(response.json().status, 'starting')
})

t.test('after the seconds the job is answered as it is; 304 to those who know it', async t => {
  const { ask, store } = await appWithJobs(t)
  const tag = String((await ask('/jobs/job-a')).headers.etag)

  const [unknown, known] = await Promise.all([
    ask('/jobs/job-a?wait=1'),
    ask('/jobs/job-a?wait=1', { 'if-none-match': tag })
  ])

  t.equal(unknown.json().status, 'queued')
  t.equal(known.statusCode, 304)
  t.equal(store.waiters(), 0)
})

for (const [prefer, applied] of [
  ['wait=0', 'wait=0'],
  ['respond-async, Wait = "1"', 'wait=1'],
  ['wait=0; x=y, wait=60', 'wait=0'],
  ['return=minimal', undefined],
  ['wait=soon', undefined]
] as const)
  t.test(`Prefer: ${prefer} is answered by ${applied ?? 'nothing'}`, async t => {
    const { ask } = await appWithJobs(t)

    const response = await ask('/jobs/job-a', { prefer })

    t.equal(response.statusCode, 200)
    t.equal(response.headers['preference-applied'], applied)
  })

t.test('Prefer waits for a change, a minute at most; ?wait comes first', async t => {
  const { ask, store, waiters } = await appWithJobs(t)

  const waiting = ask('/jobs/job-a', { prefer: 'wait=3600' })
  await waiters(1)
  const atOnce = await ask('/jobs/job-a?wait=0', { prefer: 'wait=60' })
  await moveJob(store, job, 'starting', null, {})

  t.match((await waiting).headers, { 'preference-applied': 'wait=60' })
  t.equal((await waiting).json().status, 'starting')
  t.notOk(atOnce.headers['preference-applied'])
})

for (const query of ['wait=61', 'wait=-1', 'wait=1.5', 'wait=1e400', 'wait=long', 'wiat=1'])
  t.test(`?${query} is refused`, async t => {
    const { ask } = await appWithJobs(t)
    t.equal((await ask(`/jobs/job-a?${query}`)).statusCode, 400)
  })

t.test('a job that does not exist is not waited for', async t => {
  const { ask, store } = await appWithJobs(t)
  t.equal((await ask('/jobs/nope?wait=60')).json().code, 'JOB_NOT_FOUND')
  t.equal(store.waiters(), 0)
})

t.test('1,000 who wait read the store once each, and not at all when the job changes', async t => {
  const { ask, store, reads, waiters } = await appWithJobs(t)
  await ask('/jobs/job-a')
  const before = reads.count

  const waiting = Array.from({ length: 1000 }, () => ask('/jobs/job-a?wait=60'))
  await waiters(1000)
  const asked = reads.count
  await moveJob(store, job, 'starting', null, {})
  const statuses = (await Promise.all(waiting)).map(response => response.json().status)

  t.equal(asked - before, 1000)
  t.equal(reads.count, asked)
  t.strictSame(new Set(statuses), new Set(['starting']))
  t.equal(store.waiters(), 0)
})

t.test('a client that goes away leaves nothing behind', async t => {
  const { app, waiters } = await appWithJobs(t)
  const url = await app.listen({ port: 0 })

  const request = get(`${url}/jobs/job-a?wait=60`).on('error', () => {})
  await waiters(1)
  request.destroy()
  await waiters(0)

  t.pass('nobody waits')
})

t.test('a service that stops answers those who wait with the job as it is', async t => {
  const { app, store, ask, waiters } = await appWithJobs(t)

  const waiting = ask('/jobs/job-a?wait=60')
  await waiters(1)
  await app.close()

  t.equal((await waiting).json().status, 'queued')
  t.equal(store.waiters(), 0)
})

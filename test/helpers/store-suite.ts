/** What every store must do, whatever keeps it. */
import type { Test } from 'tap'
import type { JobRecord } from '../../src/server/jobs/job.ts'
import type { JobFilter, JobQuery, OldestFilter, Store } from '../../src/server/store/index.ts'
import { aJob, idOf } from './job-record.ts'
import { projectSuite } from './project-suite.ts'

const at = '2026-02-03T04:05:06.789Z'
const later = '2026-02-03T05:00:00.000Z'

/** `makeStore` answers an empty store each time, and closes it when the test ends. */
export function storeSuite(t: Test, makeStore: (t: Test) => Promise<Store>): void {
  t.test('answers a job exactly as it was inserted', async t => {
    const store = await makeStore(t)
    const job = aJob({
      parameters: { text: '"\\u0041 \\" \\n é 日本 🍷 $(x)"', number: '1e-5', padded: '1.0' },
      metrics: { rmse: 0.1, broken: 'NaN' },
      warnings: ["it's a warning"]
    })
    await store.insert(job)
    t.strictSame(await store.get(job.id), job)
  })

  t.test('answers undefined for an id that it does not know', async t => {
    const store = await makeStore(t)
    t.equal(await store.get('nobody'), undefined)
    t.equal(await store.save(aJob({ id: 'nobody' })), undefined)
    t.equal(await store.requestStop('nobody', at), undefined)
  })

  t.test('refuses a second job of the same id and keeps the first', async t => {
    const store = await makeStore(t)
    await store.insert(aJob({ name: 'first' }))
    await t.rejects(store.insert(aJob({ name: 'second' })))
    t.match(await store.get(aJob().id), { name: 'first' })
  })

  t.test('lists the newest first, in pages that neither repeat nor miss a job', async t => {
    const store = await makeStore(t)
    for (const id of ['B', 'D', 'A', 'E', 'C']) await store.insert(aJob({ id }))
    const pages: string[][] = []
    let before: string | undefined
    do {
      const page = await store.list({ limit: 2, ...(before && { before }) })
      pages.push(ids(page))
      before = page.at(-1)?.id
    } while (before)
    t.strictSame(pages, [['E', 'D'], ['C', 'B'], ['A'], []])
  })

  t.test('orders ids by their bytes', async t => {
    const store = await makeStore(t)
    await store.insert(['a', '-b', 'B', '_', '1', '-B'].map(id => aJob({ id })))
    t.strictSame(ids(await store.oldest(['queued'], 9)), ['-B', '-b', '1', 'B', '_', 'a'])
    t.strictSame(ids(await store.list({ limit: 9, before: '_' })), ['B', '1', '-b', '-B'])
  })

  t.test('finds nothing under text that no job can have', async t => {
    const store = await makeStore(t)
    await store.insert(aJob({ name: 'a' }))
    for (const text of ['a\0', '\ud800']) {
      t.equal(await store.get(text), undefined)
      t.equal(await store.findKey('a', text), undefined)
      t.equal(await store.requestStop(text, at), undefined)
      const filters = [{ name: text }, { project: text }, { batch: text }]
      for (const filter of [...filters, { tags: [[text, text] as [string, string]] }])
        t.same(await store.list({ limit: 9, ...filter }), [], JSON.stringify(filter))
    }
  })

  t.test('lists only the statuses that are asked for', async t => {
    const store = await makeStore(t)
    await insertSome(store)
    t.strictSame(ids(await store.list({ status: ['queued'], limit: 9 })), ['E', 'A'])
    t.strictSame(ids(await store.list({ status: ['failed', 'queued'], limit: 9 })), ['E', 'D', 'A'])
    t.strictSame(ids(await store.list({ status: ['failed', 'queued'], limit: 9, before: 'D' })), [
      'A'
    ])
    t.strictSame(ids(await store.list({ status: ['queued', 'failed'], limit: 2 })), ['E', 'D'])
    t.strictSame(ids(await store.list({ status: ['queued', 'queued'], limit: 9 })), ['E', 'A'])
    t.strictSame(await store.list({ status: ['stopped'], limit: 9 }), [])
    t.strictSame(await store.list({ status: [], limit: 9 }), [])
  })

  t.test('answers a job of another tenant as none, and stops none', async t => {
    const store = await makeStore(t)
    await store.insert(aJob({ id: 'A', tenant: 'a' }))
    t.match(await store.get('A', 'a'), { id: 'A' })
    t.equal(await store.get('A', 'b'), undefined)
    t.equal(await store.requestStop('A', at, 'b'), undefined)
    t.match(await store.get('A'), { stopRequestedAt: null, version: 1 })
    t.match(await store.requestStop('A', at, 'a'), { stopRequestedAt: at })
  })

  t.test(
    'answers the oldest jobs behind one, without some tenants, or that are to stop',
    async t => {
      const store = await makeStore(t)
      for (const [id, tenant] of ['Aa', 'Bb', 'Ca', 'Dc'].map(text => [...text]))
        await store.insert(aJob({ id: String(id), tenant: String(tenant) }))
      await store.requestStop('C', at)
      const oldest = async (only: OldestFilter) => ids(await store.oldest(['queued'], 9, only))
      t.strictSame(await oldest({ after: 'B' }), ['C', 'D'])
      t.strictSame(await oldest({ notOf: ['a', 'b'] }), ['D'])
      t.strictSame(await oldest({ after: 'A', notOf: ['b'] }), ['C', 'D'])
      t.strictSame(await oldest({ stopRequested: true }), ['C'])
    }
  )

  t.test('has one record of a job, whoever asks for it', async t => {
    const store = await makeStore(t)
    await store.insert(aJob({ id: 'A' }))
    const record = await store.get('A')

    const [oldest] = await store.oldest(['queued'], 9)

    t.equal(oldest, record)
  })

  t.test('answers the oldest jobs of some statuses first', async t => {
    const store = await makeStore(t)
    await insertSome(store)
    t.strictSame(ids(await store.oldest(['queued', 'running'], 9)), ['A', 'B', 'C', 'E'])
    t.strictSame(ids(await store.oldest(['queued', 'running'], 2)), ['A', 'B'])
    t.strictSame(await store.oldest([], 9), [])
  })

  t.test('saves a change, and finds the job under its new status only', async t => {
    const store = await makeStore(t)
    const job = aJob()
    await store.insert(job)
    const saved = await store.save({ ...job, status: 'running', startedAt: at })
    t.strictSame(saved, { ...job, status: 'running', startedAt: at, version: 2 })
    t.strictSame(await store.get(job.id), saved)
    t.strictSame(await store.oldest(['queued'], 9), [])
    t.strictSame(await store.oldest(['running'], 9), [saved])
  })

  t.test('does not save a record that somebody has changed since it was read', async t => {
    const store = await makeStore(t)
    const job = aJob()
    await store.insert(job)
    const first = await store.save({ ...job, statusReason: 'first' })
    t.equal(await store.save({ ...job, statusReason: 'second' }), undefined)
    t.strictSame(await store.get(job.id), first)
  })

  t.test('answers what has changed to who has read the job before', async t => {
    const store = await makeStore(t)
    const job = aJob()
    await store.insert(job)
    t.strictSame(await store.get(job.id), job)
    await store.save({ ...job, status: 'running' })
    t.match(await store.get(job.id), { status: 'running', version: 2, stopRequestedAt: null })
    await store.requestStop(job.id, at)
    t.match(await store.get(job.id), { status: 'running', version: 3, stopRequestedAt: at })
    t.equal(await store.get(job.id, 'another'), undefined)
    await store.remove(job.id)
    t.equal(await store.get(job.id), undefined)
  })

  t.test('lets one of many writers of the same version win', async t => {
    const store = await makeStore(t)
    const job = aJob()
    await store.insert(job)
    const saved = await Promise.all(
      Array.from({ length: 10 }, (_, n) => store.save({ ...job, statusReason: `${n}` }))
    )
    const winners = saved.filter(one => one !== undefined)
    t.equal(winners.length, 1)
    t.strictSame(await store.get(job.id), winners[0])
  })

  t.test('notes the first request to stop, and only that one', async t => {
    const store = await makeStore(t)
    const job = aJob({ status: 'running' })
    await store.insert(job)
    const asked = await store.requestStop(job.id, at)
    t.strictSame(asked, { ...job, stopRequestedAt: at, version: 2 })
    t.strictSame(await store.requestStop(job.id, later), asked)
    t.strictSame(await store.get(job.id), asked)
  })

  for (const status of ['succeeded', 'failed', 'stopped'] as const)
    t.test(`leaves a job that has ${status} as it is when a stop is asked for`, async t => {
      const store = await makeStore(t)
      const job = aJob({ status })
      await store.insert(job)
      t.strictSame(await store.requestStop(job.id, at), job)
    })

  t.test('never lets a saved record take a request to stop back', async t => {
    const store = await makeStore(t)
    const job = aJob({ status: 'running' })
    await store.insert(job)
    t.equal(
      await change(store, job, { status: 'stopping' }, () => store.requestStop(job.id, at)),
      1
    )
    t.match(await store.get(job.id), { status: 'stopping', stopRequestedAt: at, version: 3 })
    const now = await store.get(job.id)
    const saved = now && (await store.save({ ...now, stopRequestedAt: null }))
    t.match(saved, { stopRequestedAt: at, version: 4 })
    t.strictSame(await store.get(job.id), saved)
  })

  t.test('never lets a saved record make up a request to stop', async t => {
    const store = await makeStore(t)
    const job = aJob()
    await store.insert(job)
    const saved = await store.save({ ...job, stopRequestedAt: at })
    t.match(saved, { stopRequestedAt: null, version: 2 })
    t.strictSame(await store.get(job.id), saved)
  })

  t.test('inserts many jobs at once, or none of them', async t => {
    const store = await makeStore(t)
    const jobs = Array.from({ length: 1000 }, (_, n) =>
      aJob({ id: `job-${n}`, batch: 'batch-1', tags: { n: `${n}`, of: 'many' } })
    )
    t.equal(await store.insert(jobs), true)
    t.equal((await store.list({ batch: 'batch-1', limit: 2000 })).length, 1000)
    await t.rejects(store.insert([aJob({ id: 'new' }), aJob({ id: 'job-7' })]))
    t.equal(await store.get('new'), undefined)
  })

  t.test('shows nothing of jobs before all of them are inserted', async t => {
    const store = await makeStore(t)
    await store.insert(aJob({ id: 'there' }))
    const jobs = Array.from({ length: 1000 }, (_, n) => aJob({ id: `job-${n}` }))
    const inserting = { ends: false }
    const failing = t
      .rejects(store.insert([...jobs, aJob({ id: 'there' })]))
      .finally(() => Object.assign(inserting, { ends: true }))
    const seen = new Set<string | undefined>()
    while (!inserting.ends) seen.add((await store.get('job-0'))?.id)
    await failing
    t.strictSame([...seen], [undefined])
  })

  t.test('lists only the jobs that meet every filter', async t => {
    const store = await makeStore(t)
    const digest = `sha256:${'a'.repeat(64)}`
    const project = { ...aJob().project, digest }
    const [A, B, C] = [idOf(at, 'a'), idOf(later, 'b'), idOf(later, 'c')]
    await store.insert([
      aJob({ id: A, name: 'one', tags: { team: 'a', stage: 'x' }, createdAt: at }),
      aJob({ id: B, name: 'one', tags: { team: 'b' }, batch: 'batch-1', createdAt: later }),
      aJob({
        id: C,
        name: 'One',
        tags: { team: 'a' },
        status: 'failed',
        project,
        createdAt: later
      })
    ])
    const found = async (filter: JobFilter) => ids(await store.list({ ...filter, limit: 9 }))
    t.same(await found({ name: 'one' }), [B, A])
    t.same(await found({ tags: [['team', 'a']] }), [C, A])
    t.same(
      await found({
        tags: [
          ['team', 'a'],
          ['stage', 'x']
        ]
      }),
      [A]
    )
    t.same(
      await found({
        tags: [
          ['team', 'a'],
          ['team', 'b']
        ]
      }),
      []
    )
    t.same(await found({ tags: [['team', 'x']] }), [])
    t.same(await found({ tags: [['team', 'a']], tenant: 'default' }), [C, A])
    t.same(await found({ tags: [['team', 'a']], tenant: 'another' }), [])
    t.same(await found({ tags: [['team', 'a']], status: [] }), [])
    t.same(await found({ tags: [['team', 'a']], status: ['failed', 'queued'] }), [C, A])
    t.same(ids(await store.list({ tags: [['team', 'a']], before: C, limit: 9 })), [A])
    t.same(ids(await store.list({ tags: [['team', 'a']], limit: 1 })), [C])
    t.same(await found({ project: digest }), [C])
    t.same(await found({ batch: 'batch-1' }), [B])
    t.same(await found({ createdAfter: at }), [C, B])
    t.same(await found({ createdBefore: later }), [A])
    t.same(await found({ name: 'one', tags: [['team', 'a']], status: ['queued'] }), [A])
  })

  t.test(
    'finds jobs by their times together with a place in the list, whichever is lower',
    async t => {
      const store = await makeStore(t)
      const times = ['01', '02', '03', '04', '05'].map(day => `2026-02-${day}T00:00:00.000Z`)
      const jobs = times.map(createdAt =>
        aJob({ id: idOf(createdAt, 'a'), createdAt, tags: { team: 'a' } })
      )
      await store.insert(jobs)
      const [first, second, third, fourth, fifth] = ids(jobs)
      const createdBefore = String(times[3])
      const createdAfter = String(times[0])
      const filters: JobFilter[] = [
        {},
        { tenant: 'default' },
        { status: ['queued', 'failed'] },
        { tags: [['team', 'a']] }
      ]
      for (const filter of filters) {
        const found = async (query: Omit<JobQuery, 'limit'>) =>
          ids(await store.list({ ...filter, ...query, limit: 9 }))
        const text = JSON.stringify(filter)
        t.same(await found({ createdBefore }), [third, second, first], text)
        t.same(await found({ createdAfter }), [fifth, fourth, third, second], text)
        t.same(await found({ createdAfter, createdBefore }), [third, second], text)
        t.same(await found({ createdBefore, before: String(fifth) }), [third, second, first], text)
        t.same(await found({ createdBefore, before: String(third) }), [second, first], text)
        t.same(await found({ createdAfter, before: String(third) }), [second], text)
        t.same(await found({ createdAfter, createdBefore, before: String(third) }), [second], text)
      }
    }
  )

  t.test(
    'finds by its time a job whose id tells one up to an hour later, for clocks are set back',
    async t => {
      const store = await makeStore(t)
      const afterMilliseconds = (milliseconds: number) =>
        new Date(Date.parse(at) + milliseconds).toISOString()
      const hour = 60 * 60_000
      const jobs = [0, 1, hour / 2, hour].map((milliseconds, n) =>
        aJob({ id: idOf(afterMilliseconds(milliseconds), `${n}`), createdAt: at })
      )
      await store.insert(jobs)
      const all = ids(jobs.toReversed())
      const found = async (filter: JobFilter) => ids(await store.list({ ...filter, limit: 9 }))
      t.same(await found({ createdBefore: afterMilliseconds(1) }), all)
      t.same(await found({ createdBefore: at }), [])
      t.same(await found({ createdAfter: afterMilliseconds(-1) }), all)
      t.same(await found({ createdAfter: at }), [])
    }
  )

  t.test('takes times that no id can tell, and others at the end of all times', async t => {
    const store = await makeStore(t)
    await store.insert(aJob())
    const found = async (filter: JobFilter) => (await store.list({ ...filter, limit: 9 })).length
    // The first is how the year 0 with an offset is written in UTC.
    for (const early of [
      '-000001-12-31T23:00:00.000Z',
      '0000-01-01T00:00:00.000Z',
      '1969-12-31T23:59:59.999Z',
      '1970-01-01T00:00:00.000Z'
    ]) {
      t.equal(await found({ createdAfter: early }), 1, early)
      t.equal(await found({ createdBefore: early }), 0, early)
    }
    const last = '9999-12-31T23:59:59.999Z'
    t.equal(await found({ createdBefore: last }), 1)
    t.equal(await found({ createdAfter: last }), 0)
    t.equal(await found({ createdAfter: '0000-01-01T00:00:00.000Z', createdBefore: last }), 1)
  })

  t.test('counts jobs by status', async t => {
    const store = await makeStore(t)
    const none = {
      queued: 0,
      starting: 0,
      running: 0,
      stopping: 0,
      succeeded: 0,
      failed: 0,
      stopped: 0
    }
    t.same(await store.summary(), none)
    await insertSome(store)
    t.same(await store.summary(), { ...none, queued: 2, running: 2, failed: 1 })
    t.same(await store.summary({ status: ['queued'] }), { ...none, queued: 2 })
  })

  t.test('goes on to count jobs that come, move on, change otherwise, and go', async t => {
    const store = await makeStore(t)
    const [one, other] = [aJob({ id: 'A', tenant: 'a' }), aJob({ id: 'B', tenant: 'b' })]
    await store.insert([one, other])
    await t.rejects(store.insert([aJob({ id: 'C', tenant: 'a' }), one]))
    const running = await store.save({ ...one, status: 'running' })
    if (running) await store.save({ ...running, statusReason: 'It runs.' })
    await store.requestStop('A', at)
    t.match(await store.summary(), { queued: 1, running: 1 })
    t.match(await store.summary({ tenant: 'a' }), { queued: 0, running: 1 })
    t.match(await store.summary({ tenant: 'b', status: ['queued'] }), { queued: 1, running: 0 })
    await store.remove('A')
    await store.remove('A')
    t.match(await store.summary(), { queued: 1, running: 0 })
  })

  t.test('takes a key once for each scope, and nothing with a key that is taken', async t => {
    const store = await makeStore(t)
    const key = { scope: 'a', key: 'k', fingerprint: 'f', answer: 'A', createdAt: at }
    t.equal(await store.insert(aJob({ id: 'A' }), key), true)
    t.equal(await store.insert(aJob({ id: 'B' }), { ...key, answer: 'B' }), false)
    t.equal(await store.insert(aJob({ id: 'C' }), { ...key, scope: 'b', answer: 'C' }), true)
    t.strictSame(ids(await store.list({ limit: 9 })), ['C', 'A'])
    t.strictSame(await store.findKey('a', 'k'), key)
    t.equal(await store.findKey('a', 'other'), undefined)
    await store.forgetKeys(at)
    t.strictSame(await store.findKey('a', 'k'), key)
    await store.forgetKeys(later)
    t.equal(await store.findKey('a', 'k'), undefined)
  })

  t.test('lets one of many requests with the same key win', async t => {
    const store = await makeStore(t)
    const inserted = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        store.insert(aJob({ id: `${n}` }), {
          ...{ scope: 'a', key: 'k', fingerprint: 'f', createdAt: at },
          answer: `${n}`
        })
      )
    )
    t.equal(inserted.filter(Boolean).length, 1)
    t.strictSame(ids(await store.list({ limit: 20 })), [(await store.findKey('a', 'k'))?.answer])
  })

  t.test('removes a job with its tags and keys, and does not mind that it is gone', async t => {
    const store = await makeStore(t)
    const key = { scope: 'a', key: 'k', fingerprint: 'f', answer: 'A', createdAt: at }
    await store.insert([aJob({ id: 'A' }), aJob({ id: 'B' })], key)
    await store.remove('A')
    await store.remove('A')
    t.strictSame(ids(await store.list({ tags: Object.entries(aJob().tags), limit: 9 })), ['B'])
    t.equal(await store.findKey('a', 'k'), undefined)
  })

  t.test('removes the key of a batch with the last of its jobs', async t => {
    const store = await makeStore(t)
    const key = { scope: 'a', fingerprint: 'f', createdAt: at }
    await store.insert(
      ['A', 'B'].map(id => aJob({ id, batch: 'batch-1' })),
      { ...key, key: 'k', answer: 'batch-1' }
    )
    await store.insert(aJob({ id: 'C', batch: 'batch-2' }), { ...key, key: 'l', answer: 'batch-2' })
    await store.remove('A')
    t.ok(await store.findKey('a', 'k'))
    await store.remove('B')
    t.equal(await store.findKey('a', 'k'), undefined)
    t.ok(await store.findKey('a', 'l'))
  })

  projectSuite(t, async t => {
    const store = await makeStore(t)
    return [store, store]
  })

  t.test('can be used until it is closed', async t => {
    const store = await makeStore(t)
    await store.check()
    await store.close()
    await t.rejects(store.check())
  })
}

const ids = (jobs: JobRecord[]) => jobs.map(job => job.id)

async function insertSome(store: Store): Promise<void> {
  await store.insert(aJob({ id: 'A', status: 'queued' }))
  await store.insert(aJob({ id: 'B', status: 'running' }))
  await store.insert(aJob({ id: 'C', status: 'running' }))
  await store.insert(aJob({ id: 'D', status: 'failed' }))
  await store.insert(aJob({ id: 'E', status: 'queued' }))
}

/** Saves a change as the loop does, while something else happens between reading and writing; answers the retries. */
async function change(
  store: Store,
  job: JobRecord,
  changes: Partial<JobRecord>,
  meanwhile: () => Promise<unknown>
): Promise<number> {
  await meanwhile()
  let now: JobRecord | undefined = job
  let retries = 0
  while (now && !(await store.save({ ...now, ...changes }))) {
    retries++
    now = await store.get(job.id)
  }
  return retries
}

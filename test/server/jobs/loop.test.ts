/** The loop over a real store and storage, and a backend that does as the test says. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Backend, Observation, StartOutcome } from '../../../src/server/backends/index.ts'
import { createLoop, type LoopOptions } from '../../../src/server/jobs/loop.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import type { Storage } from '../../../src/server/storage/index.ts'
import { openSqlite } from '../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../src/server/store/sql.ts'
import { noTenantLimits } from '../../../src/server/tenant-limits.ts'
import { testFolder } from '../../helpers/folder.ts'
import { aJob } from '../../helpers/job-record.ts'

/** Queues are instance types. */
async function stage(
  t: Test,
  start: (id: string) => StartOutcome | Promise<StartOutcome>,
  change: (storage: Storage) => Storage = same,
  limitsOf: LoopOptions['limitsOf'] = () => noTenantLimits
) {
  const folder = testFolder(t)
  const store = await createStore(openSqlite(`${folder}/jobs.db`))
  const tried: string[] = []
  const stopped: string[] = []
  const seen = new Map<string, Observation>()
  const backend: Backend = {
    name: 'sagemaker',
    open() {},
    rest: async () => {},
    check: () => [],
    plan: resources => resources,
    queueOf: ({ instanceType = 'any' }) => instanceType,
    async start({ id }) {
      tried.push(id)
      return start(id)
    },
    observe: async ids => new Map([...seen].filter(([id]) => ids.includes(id))),
    stop: async id => void stopped.push(id),
    log: async () => undefined,
    forget: async () => {},
    kept: async () => [],
    onChange() {},
    pending: () => null,
    trackingUri: () => null,
    close: async () => {}
  }
  const loop = createLoop({
    store,
    storage: change(createFilesystem(folder)),
    backend,
    folder,
    intervalMilliseconds: 5,
    limitsOf,
    log: { info() {}, error() {} }
  })
  t.teardown(async () => {
    await loop.stop()
    await store.close()
  })
  const queued = (id: string, instanceType: string) =>
    store.insert(aJob({ id, resources: { instanceType } }))
  const statusOf = async (id: string) => (await store.get(id))?.status
  return { store, loop, tried, stopped, seen, queued, statusOf }
}

const same = (storage: Storage) => storage
const oneJob = () => ({ runningJobs: 1 })

const later: StartOutcome = { outcome: 'later', reason: 'Waiting for quota.' }

t.test('what the first job of a queue waits for holds up its queue alone, in order', async t => {
  let full = true
  const { store, loop, tried, queued, statusOf } = await stage(t, id =>
    id.startsWith('a') && full ? later : { outcome: 'started' }
  )
  for (const [id, type] of [
    ['a1', 'ml.m5.xlarge'],
    ['a2', 'ml.m5.xlarge'],
    ['b1', 'ml.c5.xlarge']
  ] as const)
    await queued(id, type)
  loop.start()
  while ((await statusOf('b1')) !== 'starting') await sleep(2)
  await sleep(30)
  t.notOk(tried.includes('a2'), 'it is not tried before the one in front of it')
  t.match(await store.get('a2'), { status: 'queued', statusReason: 'Waiting for quota.' })

  full = false
  while ((await statusOf('a2')) !== 'starting') await sleep(2)
  t.equal(await statusOf('a1'), 'starting')
  t.ok(tried.lastIndexOf('a1') < tried.indexOf('a2'))
})

t.test('a job whose outputs are taken over slowly holds nobody up', async t => {
  let finish = () => {}
  const free = new Promise<void>(resolve => {
    finish = resolve
  })
  const { store, loop, seen, queued, statusOf } = await stage(
    t,
    () => ({ outcome: 'started' }),
    storage => ({ ...storage, stat: key => free.then(() => storage.stat(key)) })
  )
  await store.insert(aJob({ id: 'slow', status: 'running' }))
  seen.set('slow', { state: 'ended', status: 'Completed', exitCode: 0 })
  loop.start()
  await sleep(20)
  await queued('next', 'ml.m5.xlarge')
  while ((await statusOf('next')) !== 'starting') await sleep(2)
  t.equal(await statusOf('slow'), 'running')
  finish()
  while ((await statusOf('slow')) !== 'succeeded') await sleep(2)
})

t.test('what a job waits for alone holds up nobody behind it', async t => {
  const { store, loop, queued, statusOf } = await stage(t, id =>
    id === 'a1'
      ? { outcome: 'later', reason: 'It is looked for.', alone: true }
      : { outcome: 'started' }
  )
  await queued('a1', 'ml.m5.xlarge')
  await queued('a2', 'ml.m5.xlarge')
  loop.start()
  while ((await statusOf('a2')) !== 'starting') await sleep(2)
  t.match(await store.get('a1'), { status: 'queued', statusReason: 'It is looked for.' })
})

t.test('a job says why the stop that was asked for does not begin', async t => {
  const { store, loop, seen } = await stage(t, () => ({ outcome: 'started' }))
  const stopRequestedAt = new Date().toISOString()
  await store.insert(aJob({ id: 'a1', status: 'running', stopRequestedAt }))
  seen.set('a1', { state: 'running', status: 'Training' })
  loop.start()
  const reason = async () => (await store.get('a1'))?.statusReason
  while ((await reason()) !== 'A stop was asked for.') await sleep(2)
  seen.set('a1', { state: 'running', status: 'Training', stopRefused: 'It may not be stopped.' })
  while ((await reason()) !== 'It may not be stopped.') await sleep(2)
  t.match(await store.get('a1'), { status: 'stopping' })
})

t.test('of metrics that change at every look, the record has some, and not each', async t => {
  const { store, loop, seen } = await stage(t, () => later)
  await store.insert(aJob({ id: 'job', status: 'running', version: 1 }))
  let looks = 0
  seen.set('job', {
    state: 'running',
    status: 'Training',
    get metrics() {
      return { looks: ++looks }
    }
  })
  loop.start()
  while (looks < 20) await sleep(2)

  const job = await store.get('job')
  t.match(job?.metrics, { looks: Number })
  t.ok(Number(job?.version) <= 4, `${job?.version} versions`)
})

t.test('a tenant that has as many jobs as it may holds up no other', async t => {
  const { store, loop, seen, statusOf } = await stage(
    t,
    () => ({ outcome: 'started' }),
    same,
    oneJob
  )
  for (const [id, tenant] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['b1', 'b']
  ] as const)
    await store.insert(aJob({ id, tenant }))
  loop.start()
  while ((await statusOf('b1')) !== 'starting') await sleep(2)
  t.match(await store.get('a2'), {
    status: 'queued',
    statusReason:
      'Waiting for another job of the same tenant to end: one is in progress, as many as may be.'
  })

  seen.set('a1', { state: 'ended', status: 'Completed', exitCode: 0 })
  while ((await statusOf('a2')) !== 'starting') await sleep(2)
  while ((await statusOf('a1')) !== 'succeeded') await sleep(2)
})

t.test('a tenant may have more jobs than others, from when its limit says so', async t => {
  const most = new Map([['a', 2]])
  const limitsOf = (tenant: string) => ({ runningJobs: most.get(tenant) ?? 1 })
  const started: StartOutcome = { outcome: 'started' }
  const { store, loop, statusOf } = await stage(t, () => started, same, limitsOf)
  for (const id of ['a1', 'a2', 'a3', 'b1', 'b2'])
    await store.insert(aJob({ id, tenant: id[0] ?? '' }))
  loop.start()
  while (!(await store.get('a3'))?.statusReason || !(await store.get('b2'))?.statusReason)
    await sleep(2)
  t.equal(await statusOf('a2'), 'starting')
  t.match(await store.get('a3'), { status: 'queued', statusReason: /: 2 are in progress/ })
  t.match(await store.get('b2'), { status: 'queued', statusReason: /: one is in progress/ })

  most.set('a', 3)
  while ((await statusOf('a3')) !== 'starting') await sleep(2)
  t.equal(await statusOf('b2'), 'queued')
})

t.test('behind thousands of jobs that a full tenant has waiting, others start', async t => {
  const { store, loop, tried, statusOf } = await stage(
    t,
    () => ({ outcome: 'started' }),
    same,
    oneJob
  )
  const many = Array.from({ length: 3000 }, (_, n) => `a${String(n).padStart(4, '0')}`)
  await store.insert(many.map(id => aJob({ id, tenant: 'a' })))
  await store.insert(aJob({ id: 'b', tenant: 'b' }))
  let read = 0
  const { oldest } = store
  store.oldest = async (...query) => {
    const jobs = await oldest(...query)
    read += jobs.length
    return jobs
  }
  loop.start()
  while ((await statusOf('b')) !== 'starting') await sleep(2)
  t.ok(read < 500, `${read} records were read, of 3001`)
  // What has not been seen to run yet is asked to start once more in a slow turn.
  t.strictSame([...new Set(tried)], ['a0000', 'b'])
})

t.test('however many wait for a slot, a turn reads a page of them', async t => {
  const { store, loop } = await stage(t, () => later)
  const many = Array.from({ length: 3000 }, (_, n) => `a${String(n).padStart(4, '0')}`)
  await store.insert(many.map(id => aJob({ id, resources: { instanceType: '' } })))
  let most = 0
  let turns = 0
  const { oldest } = store
  store.oldest = async (statuses, limit, only) => {
    const jobs = await oldest(statuses, limit, only)
    if (statuses.includes('queued') && !only?.stopRequested) {
      turns++
      most = Math.max(most, jobs.length)
      t.equal(only?.after, undefined, 'no page behind the first')
    }
    return jobs
  }
  loop.start()
  while (turns < 3) await sleep(2)
  t.ok(most <= 200)
})

t.test('a job far behind in the queue that is to stop is stopped at once', async t => {
  const { store, loop, stopped } = await stage(t, () => later)
  const many = Array.from({ length: 1000 }, (_, n) => `a${String(n).padStart(4, '0')}`)
  await store.insert(many.map(id => aJob({ id, resources: { instanceType: '' } })))
  await store.requestStop('a0999', new Date().toISOString())
  loop.start()
  while (stopped.length === 0) await sleep(2)
  t.strictSame([...new Set(stopped)], ['a0999'])
})

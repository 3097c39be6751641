/** Sweeps over a real store and storage; jobs and projects are as old as the test says. */
import { existsSync, readdirSync } from 'node:fs'
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { JobRecord } from '../../../src/server/jobs/job.ts'
import { createProjectLock } from '../../../src/server/jobs/project-lock.ts'
import { type SweepOptions, sweep } from '../../../src/server/jobs/sweep.ts'
import { logKey, modelKey, projectKey, type Storage } from '../../../src/server/storage/index.ts'
import type { Store } from '../../../src/server/store/index.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob, idOf } from '../../helpers/job-record.ts'
import { pack, simpleProject } from '../../helpers/project.ts'

const day = 24 * 60 * 60 * 1000
const daysAgo = (days: number) => new Date(Date.now() - days * day).toISOString()
const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`

async function stage(t: Test, keep: Partial<SweepOptions> = {}) {
  const parts = await testApp(t)
  const { store, storage, dataDir, folder } = parts
  const lines: object[] = []
  const options: SweepOptions = {
    store,
    storage,
    projectLock: createProjectLock(),
    jobMilliseconds: 30 * day,
    jobBytes: Infinity,
    projectMilliseconds: 7 * day,
    projectBytes: Infinity,
    log: {
      info: (data, text) => void lines.push({ ...data, text }),
      error: (data, text) => void lines.push({ ...data, text })
    },
    ...keep
  }
  async function put(key: string, days = 0): Promise<void> {
    const file = join(folder, 'file')
    await writeFile(file, 'bytes')
    await storage.put(key, file)
    const at = new Date(Date.now() - days * day)
    await utimes(join(dataDir, key), at, at)
  }
  /** One that ended so many days ago, after an hour, with a model, a log and a project of its own letter. */
  async function ended(letter: string, days: number, changes: Partial<JobRecord> = {}) {
    const digest = digestOf(letter)
    const endedAt = daysAgo(days)
    const { createdAt = daysAgo(days + 1 / 24) } = changes
    const id = idOf(createdAt, letter)
    const project = { ...aJob().project, digest }
    const job = aJob({ id, project, status: 'succeeded', endedAt, ...changes, createdAt })
    await store.insert(job)
    for (const key of [modelKey(id), logKey(id)]) await put(key)
    await put(projectKey({ tenant: 'default', digest }), days + 1)
    return job
  }
  const has = (key: string) => existsSync(join(dataDir, key))
  const jobs = async () => (await store.list({ limit: 9 })).map(({ id }) => id)
  return { ...parts, options, lines, put, ended, has, jobs }
}

t.test('a job goes with all that it left and its project when it ended too long ago', async t => {
  const { options, ended, jobs, has, lines, dataDir } = await stage(t)
  const a = await ended('a', 31)
  const b = await ended('b', 29)

  t.same(await sweep(options), { jobs: 1, projects: 0, failed: 0 })

  t.same(await jobs(), [b.id])
  t.same(readdirSync(join(dataDir, 'jobs')), [b.id])
  t.notOk(has(projectKey({ tenant: 'default', digest: digestOf('a') })))
  t.ok(has(projectKey({ tenant: 'default', digest: digestOf('b') })))
  t.match(lines, [{ job: a.id, text: 'job deleted', reason: /older/ }])
})

t.test('what counts is when a job ended, not when it was made', async t => {
  const { options, ended, jobs } = await stage(t)
  const { id } = await ended('a', 29, { createdAt: daysAgo(60) })
  await sweep(options)
  t.same(await jobs(), [id])
})

t.test(
  'a job that ended while the service was away is kept from when its end was recorded',
  async t => {
    const { options, ended, jobs } = await stage(t)
    await ended('a', 99, { endRecordedAt: daysAgo(31) })
    const { id } = await ended('b', 99, { endRecordedAt: daysAgo(29) })
    await sweep(options)
    t.same(await jobs(), [id])
  }
)

t.test('a job that has not ended is kept, however old it is, and so is its project', async t => {
  for (const status of ['queued', 'starting', 'running', 'stopping'] as const) {
    const { options, ended, jobs, has } = await stage(t, { jobMilliseconds: 0, jobBytes: 0 })
    const { id } = await ended('a', 99, { status, endedAt: null })
    t.same(await sweep(options), { jobs: 0, projects: 0, failed: 0 })
    t.same(await jobs(), [id])
    t.ok(has(projectKey({ tenant: 'default', digest: digestOf('a') })))
  }
})

t.test('by default nothing goes but projects that no job needs', async t => {
  const { options, ended, put, jobs, has } = await stage(t, { jobMilliseconds: Infinity })
  const { id } = await ended('a', 9999)
  await put(projectKey({ tenant: 'default', digest: digestOf('b') }), 8)
  await put(projectKey({ tenant: 'default', digest: digestOf('c') }), 6)
  t.same(await sweep(options), { jobs: 0, projects: 1, failed: 0 })
  t.same(await jobs(), [id])
  t.notOk(has(projectKey({ tenant: 'default', digest: digestOf('b') })))
  t.ok(has(projectKey({ tenant: 'default', digest: digestOf('c') })), 'a submission may follow')
})

t.test('the oldest jobs go until what the others left fits', async t => {
  const { options, ended, jobs } = await stage(t, { jobBytes: 250, jobMilliseconds: Infinity })
  const ids: string[] = []
  for (const letter of ['a', 'b', 'c', 'd'])
    ids.unshift((await ended(letter, 1, { keptBytes: 100 })).id)
  t.match(await sweep(options), { jobs: 2 })
  t.same(await jobs(), ids.slice(0, 2))
  t.match(await sweep(options), { jobs: 0 })
})

t.test(
  'what is known to have ended for less than an hour is kept, for somebody may be about to fetch it',
  async t => {
    const { options, ended, jobs } = await stage(t, { jobBytes: 0 })
    const a = await ended('a', 0.5 / 24)
    await ended('b', 1.5 / 24, { model: { sizeBytes: 9, fileCount: 1, loggedModels: [] } })
    const c = await ended('c', 99, { endRecordedAt: daysAgo(0.5 / 24) })
    await ended('d', 99, { endRecordedAt: daysAgo(1.5 / 24), keptBytes: 9 })
    await sweep(options)
    t.same(await jobs(), [a.id, c.id])
  }
)

t.test('there may be more jobs than are looked at in one go', async t => {
  const { options, store } = await stage(t)
  const createdAt = daysAgo(32)
  const idOfNth = (n: number) => idOf(createdAt, `${1000 + n}`)
  const jobs = Array.from({ length: 250 }, (_, n) =>
    aJob({ id: idOfNth(n), createdAt, status: 'failed', endedAt: daysAgo(n < 249 ? 31 : 1) })
  )
  await store.insert(jobs)
  t.match(await sweep(options), { jobs: 249 })
  t.same(
    (await store.list({ limit: 9 })).map(({ id }) => id),
    [idOfNth(249)]
  )
})

t.test('a project stays as long as another job needs it', async t => {
  const { options, ended, has } = await stage(t)
  const { project } = await ended('a', 31)
  await ended('b', 1, { project })
  await sweep(options)
  t.ok(has(projectKey({ tenant: 'default', digest: project.digest })))
})

t.test('keys that are too old are forgotten', async t => {
  const { options, store } = await stage(t)
  const key = { scope: 's', fingerprint: 'f', answer: 'job-a' }
  await store.insert(aJob({ id: 'job-a' }), { ...key, key: 'old', createdAt: daysAgo(8) })
  await store.insert(aJob({ id: 'job-b' }), { ...key, key: 'new', createdAt: daysAgo(6) })
  await sweep(options)
  t.equal(await store.findKey('s', 'old'), undefined)
  t.ok(await store.findKey('s', 'new'))
})

t.test('a sweep that is told to end leaves the rest to the next', async t => {
  const { options, ended, jobs } = await stage(t)
  const stop = new AbortController()
  const [a, b] = [await ended('a', 31), await ended('b', 31), await ended('c', 31)]
  const { log } = options
  const info = (data: object, text: string) => {
    log.info(data, text)
    stop.abort()
  }
  t.match(await sweep({ ...options, log: { ...log, info } }, stop.signal), { jobs: 1 })
  t.same(await jobs(), [b.id, a.id])
  t.match(await sweep(options), { jobs: 2 })
})

t.test('what cannot be removed holds up nothing else, and is tried again', async t => {
  const { options, storage, ended, jobs, lines } = await stage(t)
  const [, b] = [await ended('a', 31), await ended('b', 31), await ended('c', 31)]
  const remove = async (key: string) => {
    if (key === `jobs/${b.id}/`) throw new Error('not now')
    await storage.remove(key)
  }
  const broken = { ...options, storage: { ...storage, remove } }
  t.same(await sweep(broken), { jobs: 2, projects: 0, failed: 1 })
  t.same(await jobs(), [b.id])
  t.match(lines, [{}, { job: b.id, err: { message: 'not now' } }, {}])
  t.match(await sweep(options), { jobs: 1, failed: 0 })
})

t.test('where the storage is away, the sweep is given up at the first job', async t => {
  const { options, storage, ended, lines } = await stage(t)
  for (const letter of ['a', 'b', 'c']) await ended(letter, 31)
  const away = async () => {
    throw new Error('away')
  }
  const broken = { ...storage, remove: away, check: away }
  await t.rejects(sweep({ ...options, storage: broken }), { message: 'away' })
  t.equal(lines.length, 1)
})

/** The n-th call of these ends the sweep: it was not done, or done and nobody heard of it. */
function dying({ store, storage }: { store: Store; storage: Storage }, nth: number, done: boolean) {
  let calls = 0
  const dead = new Error('killed')
  const mortal =
    <Arguments extends unknown[], Result>(act: (...given: Arguments) => Promise<Result>) =>
    async (...given: Arguments): Promise<Result> => {
      calls++
      if (calls > nth || (calls === nth && !done)) throw dead
      const result = await act(...given)
      if (calls === nth) throw dead
      return result
    }
  return {
    reached: () => calls >= nth,
    store: {
      ...store,
      get: mortal(store.get),
      list: mortal(store.list),
      remove: mortal(store.remove),
      forgetKeys: mortal(store.forgetKeys),
      check: mortal(store.check)
    },
    storage: {
      ...storage,
      stat: mortal(storage.stat),
      remove: mortal(storage.remove),
      check: mortal(storage.check)
    }
  }
}

for (const done of [false, true])
  t.test(
    `a crash ${done ? 'after' : 'before'} any step: the next sweep ends it, and nothing needed is gone`,
    async t => {
      let crashes = 0
      for (let nth = 1, crashed = true; crashed; nth++) {
        await t.test(`step ${nth}`, async t => {
          const { options, ended, put, jobs, has, dataDir } = await stage(t)
          await ended('a', 31)
          await ended('b', 32)
          const c = await ended('c', 1)
          const { project } = c
          await ended('d', 33, { project })
          const e = await ended('e', 40, { status: 'running', endedAt: null })
          await put(projectKey({ tenant: 'default', digest: digestOf('f') }), 8)

          const { reached, ...parts } = dying(options, nth, done)
          await sweep({ ...options, ...parts }).catch(() => {})
          crashed = reached()
          if (crashed) crashes++
          await sweep(options)

          t.same(await jobs(), [c.id, e.id])
          t.same(readdirSync(join(dataDir, 'jobs')).sort(), [e.id, c.id])
          t.same(
            readdirSync(join(dataDir, 'projects')).sort(),
            [project.digest, digestOf('e')].map(digest =>
              projectKey({ tenant: 'default', digest }).slice(9)
            )
          )
          for (const { id } of [c, e])
            for (const key of [modelKey(id), logKey(id)]) t.ok(has(key), key)
        })
      }
      t.ok(crashes > 15, `${crashes} steps`)
    }
  )

t.test('a submission that names an old project keeps it until its job is there', async t => {
  const { app, jobs, dataDir, storage, store } = await testApp(t)
  const payload = Buffer.from(await (await pack(simpleProject)).arrayBuffer())
  const headers = { 'content-type': 'application/gzip' }
  const sent = await app.inject({ method: 'POST', url: '/projects', headers, payload })
  const { digest } = sent.json()
  // The sweep comes in the middle of it: between the look at the project and the job's record.
  const { read } = storage
  storage.read = async (...given) => {
    const stream = await read(...given)
    jobs.start()
    while (!swept) await new Promise(resolve => setTimeout(resolve, 5))
    return stream
  }
  let swept = false
  const { forgetKeys } = store
  store.forgetKeys = async before => {
    await forgetKeys(before)
    swept = true
  }
  const body = { project: digest, parameters: { alpha: 1 } }
  const response = await app.inject({ method: 'POST', url: '/jobs', payload: body })
  t.equal(response.statusCode, 202, response.body)
  t.ok(existsSync(join(dataDir, projectKey({ tenant: 'default', digest }))))
})

t.test('an old project that is sent again is new', async t => {
  const { app, dataDir } = await testApp(t)
  const payload = Buffer.from(await (await pack(simpleProject)).arrayBuffer())
  const headers = { 'content-type': 'application/gzip' }
  const send = () => app.inject({ method: 'POST', url: '/projects', headers, payload })
  const { digest } = (await send()).json()
  const old = new Date(0)
  await utimes(join(dataDir, projectKey({ tenant: 'default', digest })), old, old)
  const again = await send()
  t.equal(again.statusCode, 200)
  t.ok(Date.now() - Date.parse(again.json().storedAt) < day)
})

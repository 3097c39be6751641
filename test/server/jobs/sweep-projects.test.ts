/** Projects that no job needs, in a real store and in both storages; how old they are is as the test says. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createProjectLock } from '../../../src/server/jobs/project-lock.ts'
import { type SweepOptions, sweep } from '../../../src/server/jobs/sweep.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import type { Storage, StoredObject } from '../../../src/server/storage/index.ts'
import { projectFolders, projectKey, projectOf } from '../../../src/server/storage/index.ts'
import { createS3 } from '../../../src/server/storage/s3.ts'
import { openSqlite } from '../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../src/server/store/sql.ts'
import { testApp } from '../../helpers/app.ts'
import { testFolder } from '../../helpers/folder.ts'
import { aJob } from '../../helpers/job-record.ts'
import { pack, simpleProject } from '../../helpers/project.ts'
import { s3ClientFor } from '../../helpers/s3-client.ts'
import { startS3 } from '../../helpers/s3-server.ts'

const hour = 60 * 60 * 1000
const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`

const server = await startS3()
t.teardown(() => server.stop())
await server.makeBucket('sweep')
const client = s3ClientFor(server.endpoint, server.environment)
const storages: Record<string, (folder: string) => Storage> = {
  filesystem: createFilesystem,
  s3: () => createS3({ bucket: 'sweep', prefix: `${randomUUID()}/`, customEndpoint: true, client })
}

/** Objects are older than they are, by hours. */
function aged(storage: Storage, ages: Map<string, number>): Storage {
  const older = <Found extends Pick<StoredObject, 'modifiedAt'>>(key: string, found: Found) => ({
    ...found,
    modifiedAt: new Date(found.modifiedAt.getTime() - (ages.get(key) ?? 0) * hour)
  })
  return {
    ...storage,
    async stat(key) {
      const found = await storage.stat(key)
      return found && older(key, found)
    },
    async *list(prefix) {
      for await (const found of storage.list(prefix)) yield older(found.key, found)
    }
  }
}

async function stage(t: Test, kind: string, keep: Partial<SweepOptions>) {
  const folder = testFolder(t)
  const store = await createStore(openSqlite(join(folder, 'jobs.db')))
  t.teardown(() => store.close())
  const ages = new Map<string, number>()
  const storage = aged(storages[kind]?.(folder) ?? createFilesystem(folder), ages)
  const projectLock = createProjectLock()
  const options: SweepOptions = {
    store,
    storage,
    projectLock,
    jobMilliseconds: Infinity,
    jobBytes: Infinity,
    projectMilliseconds: 100 * hour,
    projectBytes: Infinity,
    log: { info() {}, error() {} },
    ...keep
  }
  /** One of the letter, of 100 bytes, that was sent so many hours ago. */
  async function put(letter: string, hours: number, tenant = 'default') {
    const key = projectKey({ tenant, digest: digestOf(letter) })
    const file = join(folder, 'file')
    await writeFile(file, 'x'.repeat(100))
    await storage.put(key, file)
    ages.set(key, hours)
    return key
  }
  const needed = (letter: string, tenant = 'default') =>
    store.insert(
      aJob({
        id: `job-${letter}`,
        tenant,
        status: 'succeeded',
        project: { ...aJob().project, digest: digestOf(letter) }
      })
    )
  /** Their letters. */
  async function left() {
    const found: string[] = []
    for (const prefix of projectFolders)
      for await (const { key } of storage.list(prefix))
        found.push(projectOf(key)?.digest.at(-1) ?? key)
    return found.sort().join('')
  }
  return { options, store, storage, projectLock, ages, put, needed, left }
}

for (const kind of Object.keys(storages)) {
  t.test(`${kind}: of what no job needs, what was sent longest ago goes first`, async t => {
    const { options, put, left } = await stage(t, kind, { projectBytes: 250 })
    await put('b', 3)
    await put('a', 4)
    await put('c', 5, 'risk')
    await put('d', 2)

    t.match(await sweep(options), { projects: 2, failed: 0 })
    t.equal(await left(), 'bd')
    t.match(await sweep(options), { projects: 0 })
  })

  t.test(`${kind}: what jobs need stays and does not count, each tenant’s for itself`, async t => {
    const { options, put, needed, left } = await stage(t, kind, { projectBytes: 150 })
    for (const [letter, hours] of Object.entries({ a: 90, b: 2, c: 3, d: 4 }))
      await put(letter, hours)
    await put('e', 50, 'risk')
    for (const letter of ['a', 'b']) await needed(letter)
    await needed('e', 'default')

    t.match(await sweep(options), { projects: 2 })
    t.equal(await left(), 'abc')
  })

  t.test(`${kind}: what is too old goes, whether there is room or not`, async t => {
    const { options, put, left } = await stage(t, kind, { projectBytes: 1000 })
    await put('a', 101)
    await put('b', 99)
    t.match(await sweep(options), { projects: 1 })
    t.equal(await left(), 'b')
  })
}

t.test('what was sent within the hour stays, however much it is', async t => {
  const { options, put, left } = await stage(t, 'filesystem', { projectBytes: 0 })
  await put('a', 0.9)
  await put('b', 1.1)
  t.match(await sweep(options), { projects: 1 })
  t.equal(await left(), 'a')
})

t.test('as much as may be there stays', async t => {
  const { options, put, left } = await stage(t, 'filesystem', { projectBytes: 200 })
  await put('a', 5)
  await put('b', 5)
  t.match(await sweep(options), { projects: 0 })
  t.equal(await left(), 'ab')
})

t.test('one that is sent again or named while the sweep goes on is not removed', async t => {
  const { options, storage, ages, projectLock, put, left } = await stage(t, 'filesystem', {
    projectBytes: 0
  })
  const sent = await put('a', 5)
  const named = await put('b', 5)
  await put('c', 5)
  const { list } = storage
  storage.list = async function* (prefix) {
    yield* list(prefix)
    ages.set(sent, 0)
  }
  await projectLock.hold(named, async () => {
    t.match(await sweep(options), { projects: 1 })
  })
  t.equal(await left(), 'ab')
})

for (const done of [false, true])
  t.test(`a crash ${done ? 'after' : 'before'} any removal: the next sweep ends it`, async t => {
    for (const nth of [1, 2, 3]) {
      const { options, storage, put, needed, left } = await stage(t, 'filesystem', {
        projectBytes: 100
      })
      for (const [letter, hours] of Object.entries({ a: 9, b: 8, c: 7, d: 6, e: 5 }))
        await put(letter, hours)
      await needed('a')
      let removals = 0
      const dead = async () => {
        throw new Error('killed')
      }
      const mortal = {
        ...storage,
        async remove(key: string) {
          removals++
          if (removals < nth || done) await storage.remove(key)
          if (removals >= nth) await dead()
        },
        check: dead
      }
      await t.rejects(sweep({ ...options, storage: mortal }), { message: 'killed' })
      await sweep(options)
      t.equal(await left(), 'ae', `removal ${nth}`)
    }
  })

t.test('an unused project that is sent again is as good as new, with a size set, too', async t => {
  const ages = new Map<string, number>()
  const { app } = await testApp(t, { projectBytes: 10 }, folder =>
    aged(createFilesystem(folder), ages)
  )
  const payload = Buffer.from(await (await pack(simpleProject)).arrayBuffer())
  const send = async () => {
    const headers = { 'content-type': 'application/gzip' }
    const sent = await app.inject({ method: 'POST', url: '/projects', headers, payload })
    return sent.json() as { digest: string; storedAt: string }
  }
  const { digest, storedAt } = await send()
  t.equal((await send()).storedAt, storedAt, 'it is young')
  // Younger than half of what projects are kept for, older than half an hour.
  ages.set(projectKey({ tenant: 'default', digest }), 0.6)
  const before = Date.parse((await app.inject(`/projects/${digest}`)).json().storedAt)
  const again = Date.parse((await send()).storedAt)
  t.ok(again > before, 'its bytes were stored anew')
})

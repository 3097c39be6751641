import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import type { JobQuery } from '../../../src/server/store/index.ts'
import { openSqlite } from '../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../src/server/store/sql.ts'
import { version } from '../../../src/server/version.ts'
import { testFolder } from '../../helpers/folder.ts'
import { aJob } from '../../helpers/job-record.ts'
import { killedAtWrites } from '../../helpers/killed-at-writes.ts'
import { storeSuite } from '../../helpers/store-suite.ts'
import { noStrace, strace } from '../../helpers/strace.ts'

const at = '2026-01-02T03:04:05.678Z'

const insertJobs = join(import.meta.dirname, '../../fixtures/insert-jobs.ts')

const open = async (t: Test, file: string) => {
  const store = await createStore(openSqlite(file))
  t.teardown(() => store.close())
  return store
}

const fileOf = (t: Test) => join(testFolder(t), 'jobs.db')

storeSuite(t, t => open(t, fileOf(t)))

t.test('keeps its jobs and keys in the file when it is opened again', async t => {
  const file = fileOf(t)
  const first = await createStore(openSqlite(file))
  const key = {
    scope: 'a',
    key: 'k',
    fingerprint: 'f',
    answer: aJob().id,
    createdAt: aJob().createdAt
  }
  await first.insert(aJob(), key)
  await first.requestStop(aJob().id, '2026-02-03T04:05:06.789Z')
  const job = await first.get(aJob().id)
  await first.close()
  const second = await open(t, file)
  t.strictSame(await second.get(aJob().id), job)
  t.strictSame(await second.findKey('a', 'k'), key)
  t.equal(await second.insert(aJob({ id: 'other' }), key), false)
})

t.test('a file of the version before filters is brought up to date, tags and all', async t => {
  const file = fileOf(t)
  const first = await createStore(openSqlite(file))
  await first.insert(aJob({ tags: { team: 'cellar' } }))
  await first.close()
  const database = new DatabaseSync(file)
  database.exec(`
    DELETE FROM kysely_migration WHERE name >= '0002';
    DROP TRIGGER jobs_counted_in;
    DROP TRIGGER jobs_counted_out;
    DROP TRIGGER jobs_counted_over;
    DROP TABLE job_counts;
    DROP INDEX jobs_to_stop;
    DROP INDEX jobs_tenant_name_id;
    DROP INDEX jobs_tenant_project_digest_id;
    DROP INDEX jobs_tenant_batch_id;
    DROP INDEX jobs_tenant_id;
    DROP INDEX jobs_tenant_status_id;
    ALTER TABLE jobs DROP COLUMN tenant;
    DROP TABLE job_tags;
    DROP TABLE idempotency_keys;
    ALTER TABLE jobs DROP COLUMN batch;`)
  database.close()
  const store = await open(t, file)
  t.strictSame(await store.list({ tags: [['team', 'cellar']], limit: 9 }), [
    aJob({ tags: { team: 'cellar' } })
  ])
  t.match(await store.summary(), { queued: 1, running: 0 })
})

t.test('two connections see each other, and the second writer of a version loses', async t => {
  const file = fileOf(t)
  const [one, two] = [await open(t, file), await open(t, file)]
  const job = aJob()
  await one.insert(job)
  t.strictSame(await two.get(job.id), job)
  const saved = await two.save({ ...job, statusReason: 'two' })
  t.equal(await one.save({ ...job, statusReason: 'one' }), undefined)
  t.strictSame(await one.get(job.id), saved)
})

t.test('its file and what lies beside it are for its owner alone', async t => {
  const file = fileOf(t)
  await open(t, file)
  for (const name of [file, `${file}-wal`, `${file}-shm`])
    t.equal(statSync(name).mode & 0o777, 0o600, name)
})

t.test('refuses a file that a newer version has changed, and says which', async t => {
  const file = fileOf(t)
  await (await createStore(openSqlite(file))).close()
  const database = new DatabaseSync(file)
  database.exec(
    "INSERT INTO kysely_migration VALUES ('0099-more@9.8.7', '2030-01-01T00:00:00.000Z')"
  )
  database.close()
  await t.rejects(createStore(openSqlite(file)), {
    message: `${file} was made by a newer version of mlflow-jobs (9.8.7) than this one (${version}). Run that version or a later one, or set DATA_DIR to another folder.`
  })
})

t.test('refuses a file that is no database, and leaves it alone', async t => {
  const file = fileOf(t)
  writeFileSync(file, 'these are the notes of somebody else, and no database at all'.repeat(20))
  const { size } = statSync(file)
  t.throws(() => openSqlite(file), {
    message: `${file} cannot be opened as an SQLite database: file is not a database. It must be a file that this service has made and may write.`
  })
  t.equal(statSync(file).size, size)
})

t.test('says where it cannot make its file', async t => {
  const file = join(testFolder(t), 'missing', 'jobs.db')
  t.throws(() => openSqlite(file), { message: /missing\/jobs\.db cannot be opened/ })
})

t.test('a database that somebody else locks is unavailable, and is there again later', async t => {
  const file = fileOf(t)
  const store = await open(t, file)
  const other = new DatabaseSync(file)
  t.teardown(() => other.close())
  other.exec('BEGIN EXCLUSIVE')
  await t.rejects(store.insert(aJob()), {
    code: 'STORE_UNAVAILABLE',
    message: 'The database of jobs cannot be used now: database is locked.'
  })
  other.exec('ROLLBACK')
  t.equal(await store.insert(aJob()), true)
})

t.test('a file that cannot be read any more is said to be so', async t => {
  const file = fileOf(t)
  const store = await open(t, file)
  await store.insert(aJob())
  const other = new DatabaseSync(file)
  other.exec('CREATE TABLE more (x); PRAGMA wal_checkpoint(TRUNCATE)')
  other.close()
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0xff, 4096))
  await t.rejects(store.get(aJob().id), {
    code: 'STORE_UNAVAILABLE',
    message: 'The database of jobs cannot be used now: database disk image is malformed.'
  })
})

t.test('an error after which SQLite has rolled back by itself is told as it is', async t => {
  const file = fileOf(t)
  const store = await open(t, file)
  const other = new DatabaseSync(file)
  t.teardown(() => other.close())
  other.exec(
    `CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ROLLBACK, 'as on a full disk'); END`
  )
  await t.rejects(store.insert(aJob()), { message: 'as on a full disk' })
  other.exec('DROP TRIGGER full')
  t.equal(await store.insert(aJob()), true)
})

t.test('finds lists and the oldest jobs by an index', async t => {
  const file = fileOf(t)
  await open(t, file)
  const database = new DatabaseSync(file)
  t.teardown(() => database.close())
  const plan = (sql: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(row => row.detail)
  const rows = 'SELECT document FROM jobs'
  t.strictSame(plan(`${rows} WHERE status = 'queued' ORDER BY id DESC LIMIT 9`), [
    'SEARCH jobs USING INDEX jobs_status_id (status=?)'
  ])
  t.match(plan(`${rows} WHERE status IN ('queued', 'running') ORDER BY id LIMIT 9`), [
    'SEARCH jobs USING INDEX jobs_status_id (status=?)'
  ])
  t.match(plan(`${rows} WHERE id < 'M' ORDER BY id DESC LIMIT 9`), [/USING INDEX sqlite_autoindex/])
})

/** Says how SQLite looks for what `list` is asked for. */
async function planning(t: Test) {
  const file = fileOf(t)
  const texts: string[] = []
  const { prepare } = DatabaseSync.prototype
  t.intercept(DatabaseSync.prototype, 'prepare', {
    value(this: DatabaseSync, text: string) {
      texts.push(text)
      return prepare.call(this, text)
    }
  })
  const store = await open(t, file)
  const database = new DatabaseSync(file)
  t.teardown(() => database.close())
  const text = () => texts.at(-1) ?? ''
  const planOf = async (filter: Omit<JobQuery, 'limit'>) => {
    await store.list({ limit: 9, ...filter })
    const rows = prepare.call(database, `EXPLAIN QUERY PLAN ${text()}`).all()
    return rows.map(({ detail }) => String(detail))
  }
  return Object.assign(planOf, { text })
}

t.test('what a tenant looks for is looked for among its own alone', async t => {
  const planOf = await planning(t)
  const tag: [string, string] = ['k', 'v']

  for (const filter of [
    {},
    { before: 'M' },
    { status: ['queued' as const] },
    { status: ['queued' as const, 'running' as const] },
    { name: 'n' },
    { project: 'p' },
    { batch: 'b' },
    { createdAfter: at },
    { createdBefore: at },
    { tags: [tag] },
    { tags: [tag, tag], status: ['queued' as const, 'running' as const] }
  ]) {
    const details = await planOf({ tenant: 'b', ...filter })
    // Of pages of several statuses, which are limited themselves, there is no more to say.
    const searches = details.filter(one => /^(SEARCH|SCAN)/.test(one) && !/^SCAN page/.test(one))
    t.ok(searches.length > 0)
    for (const search of searches.filter(one => !/\(id=\?\)$/.test(one)))
      t.match(search, /^SEARCH .* USING .*INDEX \S+ \(tenant=\?/, JSON.stringify(filter))
    const sorts = details.some(one => one.includes('ORDER BY'))
    t.equal(
      sorts,
      details.some(one => one.startsWith('MERGE')),
      `${JSON.stringify(filter)} is not sorted`
    )
  }
})

t.test('jobs of a time are searched for by their ids, which begin with it', async t => {
  const planOf = await planning(t)
  const [later, before] = ['2026-01-03T00:00:00.000Z', aJob().id]
  for (const [times, bounds] of [
    [{ createdBefore: at }, 'id<?'],
    [{ createdAfter: at }, 'id>?'],
    [{ createdAfter: at, createdBefore: later }, 'id>? AND id<?'],
    [{ createdBefore: at, before }, 'id<?'],
    [{ createdAfter: at, before }, 'id>? AND id<?']
  ] as const)
    for (const filter of [
      {},
      { status: ['failed' as const] },
      { status: ['failed' as const, 'stopped' as const] },
      { name: 'n' },
      { project: 'p' },
      { batch: 'b' }
    ])
      for (const tenant of [{}, { tenant: 'b' }]) {
        const details = await planOf({ ...tenant, ...filter, ...times })
        const searches = details.filter(one => /^(SEARCH|SCAN) jobs/.test(one))
        t.ok(searches.length > 0)
        for (const search of searches)
          t.ok(
            search.endsWith(`(${bounds})`) || search.endsWith(` AND ${bounds})`),
            `${JSON.stringify({ ...tenant, ...filter, ...times })}: ${search}`
          )
      }
})

t.test(
  'a page far behind is searched for by its place alone where a time bounds it, too',
  async t => {
    // SQLite searches by one of two bounds on the same side, and passes over all that are between them.
    const planOf = await planning(t)
    await planOf({ createdBefore: at, before: aJob().id })
    t.equal(planOf.text().split('"id" <').length - 1, 1, planOf.text())
  }
)

t.test('a job is on the disk when insert returns', { skip: noStrace }, async t => {
  const file = fileOf(t)
  await (await createStore(openSqlite(file))).close()
  const syncs = async (count: number) => {
    const { calls } = await strace([insertJobs, file, `${count}`], {
      trace: ['fdatasync', 'fsync']
    })
    return calls.length
  }
  const [none, some] = [await syncs(0), await syncs(20)]
  t.ok(some - none >= 20, `20 inserts made ${some - none} calls`)
})

t.test(
  'a kill at a write leaves a file that opens, with every job that insert answered for',
  { skip: noStrace },
  t => killedAtWrites(t, 40)
)

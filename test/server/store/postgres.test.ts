import t, { type Test } from 'tap'
import { createPostgresStore } from '../../../src/server/store/postgres.ts'
import { version } from '../../../src/server/version.ts'
import { createSqlProxy } from '../../helpers/fail-nth/sql/proxy.ts'
import { aJob } from '../../helpers/job-record.ts'
import { noPostgres, startPostgres } from '../../helpers/postgres.ts'
import { projectSuite } from '../../helpers/project-suite.ts'
import { storeSuite } from '../../helpers/store-suite.ts'

const at = '2026-02-03T04:05:06.789Z'

t.test('the store over PostgreSQL', { skip: noPostgres }, async t => {
  const server = await startPostgres()
  t.teardown(() => server.remove())

  async function open(t: Test, url: string) {
    const store = await createPostgresStore({ url, onProblem: text => t.comment(text) })
    t.teardown(() => store.close())
    return store
  }

  await t.test('does what every store does', async t => {
    storeSuite(t, async t => open(t, await server.makeDatabase()))
  })

  await t.test('does so for two services at once, where projects are removed', async t => {
    projectSuite(t, async t => {
      const url = await server.makeDatabase()
      return [await open(t, url), await open(t, url)]
    })
  })

  await t.test('a server that says nothing any more is given up with its reason', async t => {
    const proxy = await createSqlProxy(await server.makeDatabase())
    t.teardown(() => proxy.close())
    const { url } = proxy
    const store = await createPostgresStore({ url, silenceMilliseconds: 300, onProblem() {} })
    t.teardown(() => store.close())
    proxy.arm(1, 'hang')

    await t.rejects(store.get('job-a'), {
      code: 'STORE_UNAVAILABLE',
      message: /the server was silent for 0\.3 seconds/
    })

    proxy.disarm()
    t.equal(await store.get('job-a'), undefined)
  })

  await t.test('services that start at once bring one empty database up to date', async t => {
    const url = await server.makeDatabase()
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(t, url)))
    for (const [n, store] of stores.entries()) await store.insert(aJob({ id: `${n}` }))
    t.equal((await stores[0]?.list({ limit: 9 }))?.length, 4)
  })

  await t.test('of two services that write the same version of a job one wins', async t => {
    const url = await server.makeDatabase()
    const [one, two] = [await open(t, url), await open(t, url)]
    const job = aJob()
    await one.insert(job)
    t.strictSame(await two.get(job.id), job)
    const saved = await Promise.all(
      [one, two].map((store, n) => store.save({ ...job, statusReason: `${n}` }))
    )
    t.equal(saved.filter(one => one !== undefined).length, 1)
    t.strictSame(await one.get(job.id), saved[0] ?? saved[1])
  })

  await t.test('a key that is sent to two services at once is taken once', async t => {
    const url = await server.makeDatabase()
    const stores = [await open(t, url), await open(t, url)]
    const inserted = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        stores[n % 2]?.insert(aJob({ id: `${n}` }), {
          ...{ scope: 'a', key: 'k', fingerprint: 'f', createdAt: at },
          answer: `${n}`
        })
      )
    )
    t.equal(inserted.filter(Boolean).length, 1)
    t.equal((await stores[0]?.list({ limit: 20 }))?.length, 1)
  })

  await t.test(
    'a job is on the disk when insert returns, whatever the database is set to',
    async t => {
      const url = await server.makeDatabase()
      await server.query(
        url,
        'do $$ begin execute format($f$alter database %I set synchronous_commit = off$f$, current_database()); end $$'
      )
      const store = await open(t, url)
      await store.insert(aJob())
      await server.kill()
      await server.start()
      t.strictSame(await store.get(aJob().id), aJob())
    }
  )

  await t.test('outlives connections that are lost while they are used', async t => {
    const url = await server.makeDatabase()
    const store = await open(t, url)
    await store.insert(aJob())
    let asking = true
    const answers: unknown[] = []
    const askers = Array.from({ length: 8 }, async () => {
      while (asking) answers.push(await store.get(aJob().id).catch(error => error))
    })
    for (let n = 0; n < 10; n++)
      await server.query(
        url,
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()'
      )
    asking = false
    await Promise.all(askers)
    const failures = answers.filter(answer => answer instanceof Error)
    for (const failure of failures) t.match(failure, { code: 'STORE_UNAVAILABLE' })
    t.ok(failures.length > 0, 'it lost some')
    t.strictSame(await store.get(aJob().id), aJob())
  })

  await t.test('says why it cannot be used while the server is gone, and heals', async t => {
    const store = await open(t, await server.makeDatabase())
    await store.insert(aJob())
    await server.kill()
    const unavailable = {
      code: 'STORE_UNAVAILABLE',
      statusCode: 503,
      message: /^The database of jobs cannot be used now: .*\.$/
    }
    for (let n = 0; n < 3; n++) await t.rejects(store.get(aJob().id), unavailable)
    await t.rejects(store.insert(aJob({ id: 'other' })), unavailable)
    await t.rejects(store.check(), unavailable)
    await server.start()
    await store.check()
    t.strictSame(await store.get(aJob().id), aJob())
  })

  await t.test('faults of what is asked for are not the database’s', async t => {
    const store = await open(t, await server.makeDatabase())
    await store.insert(aJob())
    await t.rejects(store.insert(aJob()), { code: '23505' })
  })

  await t.test('refuses a database that a newer version has changed, and says which', async t => {
    const url = await server.makeDatabase()
    const store = await createPostgresStore({ url, onProblem() {} })
    await store.close()
    await server.query(url, "insert into kysely_migration values ('0099-more@9.8.7', 'then')")
    await t.rejects(createPostgresStore({ url, onProblem() {} }), {
      message: `newer version of mlflow-jobs (9.8.7) than this one (${version}). Run that version or a later one, or set DATABASE_URL to another database.`
    })
  })

  await t.test('says which database it cannot use, and no password', async t => {
    const url = new URL(await server.makeDatabase())
    url.password = 'secret'
    url.pathname = '/missing'
    await t.rejects(createPostgresStore({ url: url.href, onProblem() {} }), {
      message: `DATABASE_URL names the PostgreSQL database missing on 127.0.0.1:${url.port}, which cannot be used: database "missing" does not exist`
    })
  })
})

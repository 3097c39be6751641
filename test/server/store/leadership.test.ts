import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Store, Term } from '../../../src/server/store/index.ts'
import { createPostgresStore } from '../../../src/server/store/postgres.ts'
import { aJob } from '../../helpers/job-record.ts'
import { noPostgres, startPostgres } from '../../helpers/postgres.ts'

const never = new AbortController().signal
const takeOver = 'update leadership set token = token + 1'

t.test('leadership among services on one PostgreSQL', { skip: noPostgres }, async t => {
  const server = await startPostgres()
  t.teardown(() => server.remove())

  async function open(t: Test, url: string, leaseMilliseconds = 60_000) {
    const store = await createPostgresStore({ url, leaseMilliseconds, onProblem() {} })
    t.teardown(() => store.close())
    return store
  }

  /** The term is ended before the store is closed. */
  async function lead(t: Test, store: Store): Promise<Term> {
    const term = await store.lead(never)
    if (!term) throw new Error('It does not lead.')
    t.teardown(() => term.end())
    return term
  }

  async function soonOver({ over }: Term): Promise<void> {
    while (!over.aborted) await sleep(10)
  }

  await t.test('one leads at a time, and the next one as soon as it lets go', async t => {
    const url = await server.makeDatabase()
    const [one, two] = [await open(t, url), await open(t, url)]
    const first = await lead(t, one)
    const second = lead(t, two)
    t.equal(await Promise.race([second, sleep(1500, 'nobody')]), 'nobody')
    t.equal(first.holds(), true)
    await first.end()
    t.equal(first.holds(), false)
    t.equal((await second).holds(), true)
  })

  await t.test('who waits for its turn can stop waiting', async t => {
    const url = await server.makeDatabase()
    await lead(t, await open(t, url))
    const store = await open(t, url)
    t.equal(await store.lead(AbortSignal.timeout(50)), undefined)
  })

  await t.test('a leader stays it for longer than a lease, and saves jobs', async t => {
    const url = await server.makeDatabase()
    const store = await open(t, url, 400)
    const term = await lead(t, store)
    await store.insert(aJob())
    await sleep(1200)
    t.equal(term.holds(), true)
    t.match(await term.save({ ...aJob(), status: 'running' }), { version: 2 })
    t.equal(await term.save({ ...aJob(), status: 'failed' }), undefined)
    t.match(await store.get(aJob().id), { status: 'running', version: 2 })
  })

  await t.test('what a leader writes after another has taken over is refused', async t => {
    const url = await server.makeDatabase()
    const store = await open(t, url)
    const term = await lead(t, store)
    await store.insert(aJob())
    await server.query(url, takeOver)
    t.equal(term.holds(), true, 'it has not heard of it')
    await t.rejects(term.save({ ...aJob(), status: 'running' }), { name: 'TermOver' })
    t.strictSame(await store.get(aJob().id), aJob())
    t.equal(term.holds(), false)
    t.equal(term.over.aborted, true)
  })

  await t.test('a write while another is taking over waits for that, and is refused', async t => {
    const url = await server.makeDatabase()
    const store = await open(t, url)
    const term = await lead(t, store)
    await store.insert(aJob())
    const taken = server.query(url, `begin; ${takeOver}; select pg_sleep(1); commit`)
    await sleep(500)
    await t.rejects(term.save({ ...aJob(), status: 'running' }), { name: 'TermOver' })
    await taken
    t.strictSame(await store.get(aJob().id), aJob())
  })

  await t.test('a leader learns at its next renewal that another leads', async t => {
    const url = await server.makeDatabase()
    const term = await lead(t, await open(t, url, 400))
    await server.query(url, takeOver)
    await soonOver(term)
    t.match(term.over.reason, { name: 'TermOver', message: 'Another service leads.' })
  })

  await t.test(
    'a leader that cannot renew its lease ends its term before others begin',
    async t => {
      const url = await server.makeDatabase()
      const [one, two] = [await open(t, url, 2000), await open(t, url, 2000)]
      const term = await lead(t, one)
      // What it asks for waits for this lock, as behind a net that has broken.
      const [, blocked] = await Promise.all([
        soonOver(term).then(() =>
          server.query(url, 'select token, expires_at > clock_timestamp() as runs from leadership')
        ),
        server.query(url, `begin; select from leadership for update; select pg_sleep(3)`)
      ])
      t.ok(blocked)
      t.equal(term.holds(), false)
      const next = await lead(t, two)
      t.equal(next.holds(), true)
    }
  )
})

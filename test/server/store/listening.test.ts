import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { JobRecord } from '../../../src/server/jobs/job.ts'
import { watchStore } from '../../../src/server/jobs/job-changes.ts'
import { createPostgresStore } from '../../../src/server/store/postgres.ts'
import { aJob } from '../../helpers/job-record.ts'
import { noPostgres, startPostgres } from '../../helpers/postgres.ts'

const at = '2026-02-03T04:05:06.789Z'
const never = new AbortController().signal

t.test('changes by other services on one PostgreSQL', { skip: noPostgres }, async t => {
  const server = await startPostgres()
  t.teardown(() => server.remove())

  async function open(t: Test, url: string) {
    const problems: string[] = []
    const store = await createPostgresStore({ url, onProblem: text => void problems.push(text) })
    t.teardown(() => store.close())
    return { store, problems }
  }

  /** Two services, of which one hears what is told. */
  async function stage(t: Test) {
    const url = await server.makeDatabase()
    const { store: speaker } = await open(t, url)
    const { store: hearer, problems } = await open(t, url)
    const heard: (string | undefined)[] = []
    const until = async (what: string | undefined) => {
      while (!heard.includes(what)) await sleep(10)
      return heard.splice(0)
    }
    hearer.onChange({
      changed: id => void heard.push(id),
      asked: () => void heard.push('asked')
    })
    // It looks at everything when it begins to listen.
    await until(undefined)
    return { url, speaker, hearer, until, problems }
  }

  await t.test('a submission tells that there is something to do', async t => {
    const { speaker, until } = await stage(t)
    await speaker.insert([aJob({ id: 'A' }), aJob({ id: 'B' })])
    t.same(await until('asked'), ['asked'])
  })

  await t.test('a change tells which job, and a stop that there is something to do', async t => {
    const { speaker, until } = await stage(t)
    await speaker.insert(aJob())
    await until('asked')
    await speaker.save({ ...aJob(), status: 'running' })
    t.same(await until(aJob().id), [aJob().id])
    await speaker.requestStop(aJob().id, at)
    t.same(await until('asked'), [aJob().id, 'asked'])
  })

  await t.test('who waits for a job hears of its change by another service', async t => {
    const { speaker, hearer } = await stage(t)
    const waiting = watchStore(hearer)
    await speaker.insert(aJob())
    const waited = waiting.waitFor(aJob().id, ({ status }) => status === 'running', never)
    await speaker.save({ ...aJob(), statusReason: 'no news' })
    await speaker.save({ ...aJob({ version: 2 }), status: 'running' })
    t.match(await waited, { status: 'running', version: 3 })
  })

  await t.test('everything is looked at after the connection was lost', async t => {
    const { url, speaker, hearer, until, problems } = await stage(t)
    const waiting = watchStore(hearer)
    await speaker.insert(aJob())
    await until('asked')
    const begun = Promise.withResolvers<void>()
    const isRunning = ({ status }: JobRecord) => {
      begun.resolve()
      return status === 'running'
    }
    const waited = waiting.waitFor(aJob().id, isRunning, never)
    await begun.promise
    await server.kill()
    await server.start()
    // Told to nobody.
    await server.query(
      url,
      `set session_replication_role = replica;
       update jobs set version = 2, document = replace(document, '"status":"queued"', '"status":"running"')`
    )
    t.ok((await until(undefined)).includes('asked'))
    t.match(await waited, { status: 'running', version: 2 })
    t.match(problems.join('\n'), /are not heard now: [\s\S]*are heard again/)
  })
})

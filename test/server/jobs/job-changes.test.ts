import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { watchStore } from '../../../src/server/jobs/job-changes.ts'
import type { Store } from '../../../src/server/store/index.ts'
import { openSqlite } from '../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../src/server/store/sql.ts'
import { testFolder } from '../../helpers/folder.ts'
import { aJob } from '../../helpers/job-record.ts'
import { storeSuite } from '../../helpers/store-suite.ts'

const job = aJob()
const hasStarted = ({ status }: { status: string }) => status === 'starting'

async function open(t: Test, around = (store: Store) => store) {
  const store = watchStore(around(await createStore(openSqlite(join(testFolder(t), 'jobs.db')))))
  t.teardown(() => store.close())
  return store
}

storeSuite(t, open)

t.test('a change while the store is first read is not missed', async t => {
  let change = async () => {}
  const store = await open(t, store => ({
    ...store,
    async get(id) {
      const found = await store.get(id)
      await change()
      return found
    }
  }))
  await store.insert(job)
  change = async () => void (await store.save({ ...job, status: 'starting' }))

  const seen = await store.waitFor(job.id, hasStarted, AbortSignal.timeout(60_000))

  t.equal(seen.status, 'starting')
})

t.test('each change is looked at until one is news', async t => {
  const store = await open(t)
  await store.insert(job)
  const seen: number[] = []
  const waiting = store.waitFor(
    job.id,
    now => {
      seen.push(now.version)
      return hasStarted(now)
    },
    AbortSignal.timeout(60_000)
  )
  while (seen.length === 0) await turn()

  const waits = await store.save({ ...job, statusReason: 'It waits.' })
  await turn()
  if (waits) await store.save({ ...waits, status: 'starting' })

  t.equal((await waiting).version, 3)
  t.strictSame(seen, [1, 2, 3])
})

t.test('a save that came too late is no change', async t => {
  const store = await open(t)
  await store.insert(job)
  await store.save({ ...job, statusReason: 'It waits.' })
  const over = new AbortController()

  const waiting = store.waitFor(job.id, hasStarted, over.signal)
  await turn()
  t.equal(await store.save({ ...job, status: 'starting' }), undefined)
  over.abort()

  t.match(await waiting, { status: 'queued', statusReason: 'It waits.' })
  t.equal(store.waiters(), 0)
})

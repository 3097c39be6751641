/** Stopping and starting what waits, over a real store. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { JobRecord } from '../../../src/server/jobs/job.ts'
import { type QueuedOptions, startQueued } from '../../../src/server/jobs/start-queued.ts'
import { openSqlite } from '../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../src/server/store/sql.ts'
import { noTenantLimits } from '../../../src/server/tenant-limits.ts'
import { testFolder } from '../../helpers/folder.ts'
import { aJob } from '../../helpers/job-record.ts'

const toStop = 250

/** Many that are to stop, each of which takes a while, and one behind them that is to start. */
async function stage(t: Test) {
  const store = await createStore(openSqlite(`${testFolder(t)}/jobs.db`))
  t.teardown(() => store.close())
  const stopRequestedAt = new Date().toISOString()
  const ids = Array.from({ length: toStop }, (_, n) => `a${String(n).padStart(4, '0')}`)
  await store.insert(ids.map(id => aJob({ id, stopRequestedAt })))
  await store.insert(aJob({ id: 'b' }))
  const stopped = new Set<string>()
  const started: string[] = []
  const options: QueuedOptions = {
    store,
    backend: { queueOf: () => '' },
    limitsOf: () => noTenantLimits,
    isBusy: id => stopped.has(id) || started.includes(id),
    async start({ id }: JobRecord) {
      started.push(id)
      return { started: true }
    },
    async stop({ id }) {
      await sleep(20)
      stopped.add(id)
    },
    noteReason: async () => {},
    guarded: (_, act) => act(),
    milliseconds: { stop: 100, start: 2_000 }
  }
  return { options, stopped, started }
}

t.test('stopping has a while in each turn; the rest waits for the next one', async t => {
  const { options, stopped, started } = await stage(t)
  t.equal(await startQueued([], options), true, 'there is more to do')
  t.ok(stopped.size > 0 && stopped.size < toStop, `${stopped.size} were stopped`)
  t.strictSame(started, ['b'], 'what is to start has its own time')

  let turns = 1
  while (await startQueued([], options)) turns++
  t.equal(stopped.size, toStop)
  t.ok(turns > 1)
})

t.test('what cannot be stopped is not tried twice in a turn', async t => {
  const { options } = await stage(t)
  const tried: string[] = []
  const stop = async ({ id }: JobRecord) => void tried.push(id)
  const more = await startQueued([], {
    ...options,
    stop,
    milliseconds: { stop: 60_000, start: 2_000 }
  })
  t.equal(more, false)
  t.equal(tried.length, toStop)
  t.equal(new Set(tried).size, toStop)
})

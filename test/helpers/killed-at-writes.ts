/** A process that inserts jobs into SQLite, killed at one write after the other. */
import { join } from 'node:path'
import type { Test } from 'tap'
import { openSqlite } from '../../src/server/store/node-sqlite.ts'
import { createStore } from '../../src/server/store/sql.ts'
import { testFolder } from './folder.ts'
import { strace } from './strace.ts'

const insertJobs = join(import.meta.dirname, '../fixtures/insert-jobs.ts')

/** At each `step`th write, from the first one to the end; a start of the process takes a second or two. */
export async function killedAtWrites(t: Test, step: number): Promise<void> {
  const folder = testFolder(t)
  let kills = 0
  for (let nth = 1, killed = true; killed; nth += step) {
    const file = join(folder, `${nth}.db`)
    const run = await strace([insertJobs, file, '2'], { kill: { call: 'pwrite64', nth } })
    const store = await createStore(openSqlite(file))
    const jobs = (await store.list({ limit: 9 })).map(({ id }) => id)
    await store.close()
    for (const id of run.output.split('\n').filter(Boolean)) t.ok(jobs.includes(id))
    killed = run.killed
    if (killed) kills++
    else t.equal(jobs.length, 2)
  }
  t.ok(kills >= 3, `killed ${kills} times`)
}

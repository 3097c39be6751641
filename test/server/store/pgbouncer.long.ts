/** A real PgBouncer before a real PostgreSQL: which settings the store works with, and what it says of others. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { createPostgresStore } from '../../../src/server/store/postgres.ts'
import { reachableFolder } from '../../helpers/folder.ts'
import { freePort } from '../../helpers/free-port.ts'
import { aJob } from '../../helpers/job-record.ts'
import { noPostgres, owner, startPostgres } from '../../helpers/postgres.ts'

const hasBouncer = await execa('pgbouncer', ['--version']).then(
  () => true,
  () => false
)
const skip = noPostgres || (!hasBouncer && 'there is no pgbouncer on this machine')
const ignored = 'statement_timeout, idle_in_transaction_session_timeout'

t.test('the store behind PgBouncer', { skip }, async t => {
  const server = await startPostgres()
  t.teardown(() => server.remove())

  /** Answers the address of a new database, through a PgBouncer of that mode. */
  async function bounce(t: Test, settings: string): Promise<string> {
    const url = new URL(await server.makeDatabase())
    const folder = await reachableFolder(t)
    const port = await freePort()
    const file = join(folder, 'pgbouncer.ini')
    await writeFile(
      file,
      `[databases]
* = host=127.0.0.1 port=${url.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
${settings}
`
    )
    if (owner.uid !== undefined)
      for (const path of [folder, file]) await chown(path, owner.uid, owner.gid)
    const bouncer = spawn('pgbouncer', [file], { cwd: folder, stdio: 'ignore', ...owner })
    t.teardown(async () => {
      bouncer.kill()
      if (bouncer.exitCode === null) await once(bouncer, 'exit')
    })
    url.port = `${port}`
    while (!(await server.query(url.href, 'select 1').catch(() => undefined))) {
      if (bouncer.exitCode !== null) throw new Error(`pgbouncer ended with ${bouncer.exitCode}`)
      await sleep(50)
    }
    return url.href
  }

  async function open(t: Test, url: string) {
    const store = await createPostgresStore({ url, onProblem: text => t.comment(text) })
    t.teardown(() => store.close())
    return store
  }

  await t.test('works in sessions, and hears what others do', async t => {
    const url = await bounce(t, `pool_mode = session\nignore_startup_parameters = ${ignored}`)
    const [one, two] = [await open(t, url), await open(t, url)]
    const { promise: heard, resolve: hear } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    two.onChange({ changed: id => (id === aJob().id ? hear() : begin()), asked() {} })
    await begun
    await one.insert(aJob())
    t.equal(await two.ifUnused({ tenant: 'x', digest: 'y' }, async () => true), true)
    await one.requestStop(aJob().id, '2026-02-03T04:05:06.789Z')
    await heard
    t.match(await two.get(aJob().id), { version: 2 })
  })

  await t.test('says what is wrong where its settings are refused', async t => {
    const url = await bounce(t, 'pool_mode = session')
    const refused = await createPostgresStore({ url, onProblem() {} }).then(
      async store => {
        t.teardown(() => store.close())
        return store.check().catch(error => error)
      },
      error => error
    )
    t.match(refused.message, /unsupported startup parameter.*statement_timeout/)
  })
})

/** A real PostgreSQL that speaks TLS, with a certificate of an authority of its own. */
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { createPostgresStore } from '../../../src/server/store/postgres.ts'
import { reachableFolder } from '../../helpers/folder.ts'
import { aJob } from '../../helpers/job-record.ts'
import { noPostgres, owner, startPostgres } from '../../helpers/postgres.ts'

const hasOpenssl = await execa('openssl', ['version']).then(
  () => true,
  () => false
)
const skip = noPostgres || (!hasOpenssl && 'there is no openssl on this machine')

t.test('the store over TLS', { skip }, async t => {
  const folder = await reachableFolder(t)
  const fileOf = (name: string) => join(folder, name)
  const make = (name: string, ...words: string[]) =>
    execa('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', fileOf(`${name}.key`), '-out', fileOf(`${name}.crt`), ...words]
    ])
  await make('authority')
  await make('another')
  await make(
    'server',
    ...['-CA', fileOf('authority.crt'), '-CAkey', fileOf('authority.key')],
    ...['-addext', 'subjectAltName=DNS:localhost']
  )
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, ...owner }
  for (const path of [folder, fileOf('server.key'), fileOf('server.crt')])
    await chown(path, uid, gid)
  const server = await startPostgres([
    'ssl=on',
    `ssl_cert_file=${fileOf('server.crt')}`,
    `ssl_key_file=${fileOf('server.key')}`
  ])
  t.teardown(() => server.remove())
  const plain = await server.makeDatabase()
  const at = (host: string, authority?: string) => {
    const url = new URL(plain)
    url.hostname = host
    url.searchParams.set('sslmode', 'verify-full')
    if (authority) url.searchParams.set('sslrootcert', fileOf(authority))
    return { url: url.href, onProblem: (text: string) => t.comment(text) }
  }

  await t.test('is encrypted, each connection, where the name and the authority fit', async t => {
    const store = await createPostgresStore(at('localhost', 'authority.crt'))
    t.teardown(() => store.close())
    await store.insert(aJob())
    t.strictSame(await store.get(aJob().id), aJob())
    const { rows } = await server.query(
      plain,
      "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'mlflow-jobs'"
    )
    t.ok(rows.length > 0)
    for (const { ssl } of rows) t.equal(ssl, true)
  })

  for (const [what, options, reason] of [
    ['a server of another name', at('127.0.0.1', 'authority.crt'), /does not match certificate/],
    ['one that another authority vouches for', at('localhost', 'another.crt'), /certificate/],
    ['one that nobody known vouches for', at('localhost'), /certificate/]
  ] as const)
    await t.test(`refuses ${what}, and says so when it starts`, async t => {
      const error = await createPostgresStore(options).catch(error => error)
      t.match(
        error.message,
        /^DATABASE_URL names the PostgreSQL database test1 on .*, which cannot/
      )
      t.match(error.message, reason)
    })
})

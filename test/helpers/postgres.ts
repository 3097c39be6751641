/** A real PostgreSQL server with databases of the test's own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import pg from 'pg'
import { freePort } from './free-port.ts'

export interface PostgresServer {
  /** Of a new database, empty. */
  makeDatabase(): Promise<string>
  /** Asks the server itself, in the database of that address. */
  query(url: string, sql: string): Promise<pg.QueryResult>
  /** kill -9: connections break, and what was not on the disk is gone. */
  kill(): Promise<void>
  /** As pg_ctl -m immediate: connections are told that the server ends, and it recovers when it is started again. */
  crash(): Promise<void>
  /** With the same data, at the same addresses. */
  start(): Promise<void>
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

const programs = findPrograms()

/** For a test's `skip`: false, or why there is none. */
export const noPostgres = programs === undefined && 'there is no PostgreSQL server on this machine'

/** The server refuses to run as root: there it runs as nobody. */
export const owner = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** In a language whose order of text is not that of bytes. */
const initialized = [
  ...['-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8'],
  ...['--locale-provider=icu', '--icu-locale=en', '--locale=C.UTF-8']
]

/** `given`: settings of the server, such as ssl=on. */
export async function startPostgres(given: string[] = []): Promise<PostgresServer> {
  if (!programs) throw new Error(`${noPostgres}`)
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-postgres-'))
  if (owner.uid !== undefined) await chown(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const port = await freePort()
  const options = { cwd: folder, ...owner }
  await execa(join(programs, 'initdb'), ['-D', data, ...initialized], options)
  const urlOf = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`
  let server: ChildProcess | undefined
  let databases = 0

  async function start(): Promise<void> {
    let attempts = 1
    server = run()
    while (!(await answers())) {
      await sleep(50)
      if (server.exitCode === null) continue
      // After a kill, what is left of it may hold the data for a moment.
      if (attempts++ > 50) throw new Error(`postgres ended with ${server.exitCode}`)
      server = run()
    }
  }

  function run(): ChildProcess {
    // What is written survives a kill, if not a machine's end.
    const own = given.flatMap(setting => ['-c', setting])
    const settings = ['-h', '127.0.0.1', '-p', `${port}`, '-k', folder, '-F', ...own]
    return spawn(join(programs ?? '', 'postgres'), ['-D', data, ...settings], {
      ...options,
      stdio: 'ignore'
    })
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = server
    server = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    ending.kill(signal)
    await once(ending, 'exit')
  }

  async function query(url: string, sql: string): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: url })
    // A query tells it, too.
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.query(sql)
    } finally {
      await client.end()
    }
  }

  const answers = () =>
    query(urlOf('postgres'), 'select 1').then(
      () => true,
      () => false
    )

  await start()
  return {
    query,
    start,
    kill: () => end('SIGKILL'),
    crash: () => end('SIGQUIT'),
    async makeDatabase() {
      const name = `test${++databases}`
      await query(urlOf('postgres'), `create database ${name}`)
      return urlOf(name)
    },
    async remove() {
      await end('SIGINT')
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Debian keeps them out of PATH. */
function findPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort().reverse() : []
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map(version => join(debian, version, 'bin'))
  ]
  return folders.find(folder =>
    ['initdb', 'postgres'].every(program => existsSync(join(folder, program)))
  )
}

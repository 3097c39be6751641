/**
 * PostgreSQL, which several services may share. Each has connections for requests and the loop, some for submissions, one
 * that listens, and one for its leadership, so that no load can cost it that.
 */
import { Socket } from 'node:net'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { explainLost, reasonOf } from './explain-lost.ts'
import { findNothing } from './find-nothing.ts'
import type { Store } from './index.ts'
import { createLeadership } from './leadership.ts'
import { createListening } from './listening.ts'
import type { Tables } from './migrations.ts'
import { orderedText, shareTables } from './postgres-tables.ts'
import { guardByLocks } from './project-guard.ts'
import { createSqlStore, openTables } from './sql.ts'

export interface PostgresOptions {
  /** postgres://user:password@host:port/database, with the parameters that `pg` knows, such as sslmode. */
  url: string
  /** Told when the database is lost and when it is there again, in words without secrets. */
  onProblem(text: string): void
  /** How long a leader may be silent before another service takes over; tests wait less. */
  leaseMilliseconds?: number
  /** How long the server may say nothing to a question before its connection is given up; tests wait less. */
  silenceMilliseconds?: number
}

const statementMilliseconds = 15_000
const defaultSilenceMilliseconds = 20_000

const timeoutsOf = (silenceMilliseconds: number): pg.ClientConfig => ({
  statement_timeout: statementMilliseconds,
  // A service that hangs in a transaction holds its locks no longer.
  idle_in_transaction_session_timeout: statementMilliseconds,
  // A server that says nothing any more is found out before the system gives its connection up.
  stream: () => {
    const socket = new Socket()
    return socket.setTimeout(silenceMilliseconds, () => {
      const text = `the server was silent for ${silenceMilliseconds / 1000} seconds`
      socket.destroy(Object.assign(new Error(text), { code: 'ETIMEDOUT' }))
    })
  }
})

const requestConnections = 8
/** They are held while the storage is asked, too: where that is slow, reading jobs is not. */
const guardedConnections = 4
const defaultLeaseMilliseconds = 8_000

/** Brings the tables up to date, one service after the other. Throws one sentence where the database cannot be used. */
export async function createPostgresStore(options: PostgresOptions): Promise<Store> {
  const { onProblem, leaseMilliseconds = defaultLeaseMilliseconds } = options
  const timeouts = timeoutsOf(options.silenceMilliseconds ?? defaultSilenceMilliseconds)
  const connection: pg.ClientConfig = {
    connectionString: options.url,
    application_name: 'mlflow-jobs',
    connectionTimeoutMillis: 5_000,
    keepAlive: true
  }
  await bringUpToDate(connection)
  const open = (max: number) =>
    new Kysely<Tables>({ dialect: dialectOf({ ...connection, ...timeouts, max }, onProblem) })
  const database = open(requestConnections)
  const guarded = open(guardedConnections)
  const leases = open(1)
  const listening = createListening({ connection: { ...connection, ...timeouts }, onProblem })
  return explainLost({
    ...findNothing(
      createSqlStore({ name: 'postgres' }, database, guardByLocks(guarded, guardedConnections))
    ),
    ...createLeadership({ database, leases, leaseMilliseconds, onProblem }),
    onChange: listening.add,
    async close() {
      await listening.close()
      await Promise.all([database, guarded, leases].map(one => one.destroy()))
    }
  })
}

/** An index over many jobs takes its time to build: no statement has a limit here. */
async function bringUpToDate(connection: pg.ClientConfig): Promise<void> {
  const { host, port, database } = new pg.Client(connection)
  const location = `the PostgreSQL database ${database} on ${host}:${port}`
  const tables = await openTables({
    name: 'postgres',
    location,
    dialect: dialectOf({ ...connection, max: 1 }, () => {}),
    remedy: 'set DATABASE_URL to another database',
    orderedText,
    share: shareTables
  }).catch(cause => {
    throw new Error(`DATABASE_URL names ${location}, which cannot be used: ${reasonOf(cause)}`, {
      cause
    })
  })
  await tables.destroy()
}

function dialectOf(
  config: pg.PoolConfig,
  onProblem: PostgresOptions['onProblem']
): PostgresDialect {
  const pool = new pg.Pool({ ...config, onConnect: demandDurability })
  // Without these listeners a lost connection would end the process: of one that rests the pool tells, and of one that is
  // in use who uses it learns by what he asks.
  pool.on('error', ({ message }) => onProblem(`A connection to the database was lost: ${message}`))
  pool.on('connect', client => client.on('error', () => {}))
  return new PostgresDialect({ pool })
}

/**
 * What the service has acknowledged is on the disk, whatever the database is set to; stricter settings stay. The pool does
 * it, for it lets go of a connection that is lost meanwhile; Kysely's own hook would keep it for ever.
 */
async function demandDurability(client: pg.ClientBase): Promise<void> {
  await client.query(
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"
  )
}

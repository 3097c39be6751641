/** The record of jobs: a file in the data folder, or a database that several services share. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Store } from '../store/index.ts'
import { openSqlite } from '../store/node-sqlite.ts'
import { createStore } from '../store/sql.ts'
import type { Voice } from './voice.ts'

export async function openStore(
  { databaseUrl, dataDir }: Config,
  { problem }: Voice
): Promise<Store> {
  if (!databaseUrl) return createStore(openSqlite(join(dataDir, 'jobs.db')))
  // The driver of PostgreSQL takes memory and time: it is loaded where it is used.
  const { createPostgresStore } = await import('../store/postgres.ts')
  return createPostgresStore({ url: databaseUrl, onProblem: problem })
}

/** Node's own SQLite as a database that Kysely speaks to. */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import { StoreUnavailable } from '../errors.ts'
import type { SqlDatabase } from './sql.ts'
import { keepCounts } from './sqlite-counts.ts'

const busyTimeoutMilliseconds = 5000
const cachedStatements = 100

/**
 * Opens the file, and makes it where it is missing; only its owner may read it, for jobs may hold secrets. A commit
 * is on the disk when it returns (WAL with synchronous=FULL; on macOS also out of the drive's cache).
 */
export function openSqlite(file: string): SqlDatabase {
  let database: DatabaseSync | undefined
  try {
    closeSync(openSync(file, 'a', 0o600))
    database = new DatabaseSync(file, { timeout: busyTimeoutMilliseconds })
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA foreign_keys = ON;`)
  } catch (error) {
    database?.close()
    throw new Error(
      `${file} cannot be opened as an SQLite database: ${(error as Error).message}. It must be a file that this service has made and may write.`,
      { cause: error }
    )
  }
  const statements = adapt(database)
  return {
    name: 'sqlite',
    location: file,
    remedy: 'set DATA_DIR to another folder',
    orderedText: 'text',
    keepCounts,
    dialect: new NodeSqliteDialect({ database: statements }),
    readAtOnce: ({ sql, parameters }) =>
      database.isTransaction ? undefined : statements.prepare(sql).all(parameters)
  }
}

class NodeSqliteDialect extends SqliteDialect {
  override createAdapter() {
    return new TransactionalAdapter()
  }
}

/** Kysely holds that SQLite cannot change a schema in a transaction. It can, so a migration is done whole or not at all. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl() {
    return true
  }
}

/** Kysely prepares every query anew; here each SQL text is prepared once, and the oldest ones make room. */
function adapt(database: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare(sql) {
      const cached = statements.get(sql)
      if (cached) return cached
      const statement = prepare(database, sql)
      const [oldest] = statements.keys()
      if (oldest !== undefined && statements.size >= cachedStatements) statements.delete(oldest)
      statements.set(sql, statement)
      return statement
    }
  }
}

function prepare(database: DatabaseSync, sql: string): SqliteStatement {
  const statement = database.prepare(sql)
  return {
    reader: statement.columns().length > 0,
    all: parameters => explained(() => statement.all(...(parameters as SQLInputValue[]))),
    run: parameters =>
      sql === 'rollback' && !database.isTransaction
        ? nothing
        : explained(() => statement.run(...(parameters as SQLInputValue[]))),
    iterate: parameters => statement.iterate(...(parameters as SQLInputValue[]))
  }
}

/** Of some errors, a full disk for one, SQLite has rolled back by itself; to ask once more would hide their cause. */
const nothing = { changes: 0, lastInsertRowid: 0 }

/**
 * Busy, locked, no memory, read-only, an error of the disk, a malformed file (as which SQLite tells what it could not read,
 * too), a full disk, and a file that cannot be opened.
 */
const passing = [5, 6, 7, 8, 10, 11, 13, 14]

/** What lies in the machine, not in the statement, is told as that. The low byte is the kind of an error. */
function explained<Result>(act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    const { errcode = 0, message } = error as Error & { errcode?: number }
    if (!passing.includes(errcode & 0xff)) throw error
    throw new StoreUnavailable(`The database of jobs cannot be used now: ${message}.`, {
      cause: error
    })
  }
}

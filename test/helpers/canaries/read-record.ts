import { DatabaseSync } from 'node:sqlite'

/** Every row of every table, without what the file has in pages that are free. */
export function readRecord(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    return tables
      .map(({ name }) => JSON.stringify(database.prepare(`SELECT * FROM "${name}"`).all()))
      .join('\n')
  } finally {
    database.close()
  }
}

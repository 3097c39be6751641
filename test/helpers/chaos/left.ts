/** What a service that has ended leaves in its data folder and its database that belongs to nothing. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { tryLock } from '../../../src/system/lock.ts'

/**
 * In the data folders of the services of one database. One that no longer leads leaves what SageMaker's backend kept of jobs
 * as it was until it leads again (docs/operations.md), perhaps in the middle of a write; the one that led until the end does not.
 */
export async function leftInFolders(folders: string[]): Promise<string[]> {
  const left = await Promise.all(folders.map(leftInFolder))
  const isKept = (line: string) => /^jobs\/[^/]+\/sagemaker\b/.test(line)
  const oneHasLed = folders.length > 1 && left.some(lines => !lines.some(isKept))
  return left.flat().filter(line => !(oneHasLed && isKept(line)))
}

/** Temporary files, what the backend kept of jobs, a lock that nobody gives back. */
export async function leftInFolder(data: string): Promise<string[]> {
  const paths = await readdir(data, { recursive: true })
  const left = paths.filter(
    path => /(^|\/)(\.[^/]*|[^/]*\.part)$|^tmp\//.test(path) || /^jobs\/[^/]+\/local$/.test(path)
  )
  const lock = tryLock(join(data, 'service.lock'))
  lock?.release()
  return [
    ...left.map(path => `${path} is left over`),
    ...(lock ? [] : ['the data folder is still locked'])
  ]
}

/** Rows that belong to no job. */
export const orphans = {
  tags: 'select count(*) as count from job_tags where job_id not in (select id from jobs)',
  keys: `select count(*) as count from idempotency_keys where answer not in (select id from jobs)
    and answer not in (select batch from jobs where batch is not null)`
}

export function leftInSqlite(data: string): string[] {
  const file = join(data, 'jobs.db')
  if (!existsSync(file)) return ['there is no database']
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return Object.entries(orphans).flatMap(([name, query]) =>
      sayOrphans(name, Number(database.prepare(query).get()?.count))
    )
  } finally {
    database.close()
  }
}

export const sayOrphans = (name: string, count: number) =>
  count === 0 ? [] : [`${count} ${name} of no job are left over`]

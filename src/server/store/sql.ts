/**
 * The record of jobs in an SQL database. A job is a JSON document; what is searched for, and what may change on its
 * own, has a column. Every change is one statement, so nothing here needs a transaction.
 */
import { type Dialect, Kysely, type Selectable } from 'kysely'
import { isTerminal, type JobRecord, JobStatus } from '../jobs/job.ts'
import type { Store } from './index.ts'
import { migrate, type Tables } from './migrations.ts'

export interface SqlDatabase {
  name: Store['name']
  dialect: Dialect
  /** For messages: where the database is, without secrets. */
  location: string
}

const terminal = JobStatus.enum.filter(isTerminal)

/** Brings the tables up to date and takes over the connection: closing the store closes it. */
export async function createStore({ name, dialect, location }: SqlDatabase): Promise<Store> {
  const database = new Kysely<Tables>({ dialect })
  try {
    await migrate(database, location)
  } catch (error) {
    await database.destroy()
    throw error
  }
  const rows = database
    .selectFrom('jobs')
    .select(['id', 'status', 'stop_requested_at', 'version', 'document'])

  const get = async (id: string) => {
    const row = await rows.where('id', '=', id).executeTakeFirst()
    return row && fromRow(row)
  }

  return {
    name,
    get,

    async insert(job) {
      await database
        .insertInto('jobs')
        .values({
          id: job.id,
          created_at: job.createdAt,
          stop_requested_at: job.stopRequestedAt,
          version: job.version,
          ...changing(job)
        })
        .execute()
    },

    async list({ status, limit, before }) {
      if (status?.length === 0) return []
      let query = rows.orderBy('id', 'desc').limit(limit)
      if (status) query = query.where('status', 'in', status)
      if (before !== undefined) query = query.where('id', '<', before)
      return (await query.execute()).map(fromRow)
    },

    async oldest(statuses, limit) {
      if (statuses.length === 0) return []
      const query = rows.where('status', 'in', statuses).orderBy('id', 'asc').limit(limit)
      return (await query.execute()).map(fromRow)
    },

    async save(job) {
      const version = job.version + 1
      const row = await database
        .updateTable('jobs')
        .set({ version, ...changing(job) })
        .where('id', '=', job.id)
        .where('version', '=', job.version)
        .returning('stop_requested_at')
        .executeTakeFirst()
      return row && { ...job, version, stopRequestedAt: row.stop_requested_at }
    },

    async requestStop(id, at) {
      await database
        .updateTable('jobs')
        .set(({ eb }) => ({ stop_requested_at: at, version: eb('version', '+', 1) }))
        .where('id', '=', id)
        .where('stop_requested_at', 'is', null)
        .where('status', 'not in', terminal)
        .execute()
      return get(id)
    },

    async check() {
      await database.selectFrom('jobs').select('id').limit(1).execute()
    },

    close: () => database.destroy()
  }
}

/** The columns that `save` writes. */
function changing(job: JobRecord) {
  const { version, stopRequestedAt, ...document } = job
  return {
    status: job.status,
    project_digest: job.project.digest,
    name: job.name,
    document: JSON.stringify(document)
  }
}

type Row = Pick<Selectable<Tables['jobs']>, 'stop_requested_at' | 'version' | 'document'>

/** What jobs of earlier versions lack. */
const added = { resources: {}, inputs: {}, billableSeconds: null }

const fromRow = ({ document, version, stop_requested_at }: Row): JobRecord => ({
  ...added,
  ...(JSON.parse(document) as Omit<JobRecord, 'version' | 'stopRequestedAt'>),
  version,
  stopRequestedAt: stop_requested_at
})

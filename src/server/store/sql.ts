/**
 * The record of jobs in an SQL database. A job is a JSON document; what is searched for, and what may change on its
 * own, has a column. Every change of a job is one statement; only what comes and goes together needs a transaction.
 */
import { type Dialect, Kysely, type Selectable, type SelectQueryBuilder } from 'kysely'
import { isTerminal, type JobRecord, JobStatus } from '../jobs/job.ts'
import { defaultTenant } from '../tenant.ts'
import type { IdempotencyKey, JobFilter, Store } from './index.ts'
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

    async insert(given, key) {
      const jobs = Array.isArray(given) ? given : [given]
      return database.transaction().execute(async transaction => {
        if (key && !(await takeKey(transaction, key))) return false
        for (const some of chunks(jobs, rowsAtOnce))
          await transaction.insertInto('jobs').values(some.map(toRow)).execute()
        for (const some of chunks(jobs.flatMap(tagRows), rowsAtOnce))
          await transaction.insertInto('job_tags').values(some).execute()
        return true
      })
    },

    async findKey(scope, key) {
      const row = await database
        .selectFrom('idempotency_keys')
        .selectAll()
        .where('scope', '=', scope)
        .where('key', '=', key)
        .executeTakeFirst()
      if (!row) return undefined
      const { created_at: createdAt, ...rest } = row
      return { ...rest, createdAt }
    },

    async forgetKeys(before) {
      await database.deleteFrom('idempotency_keys').where('created_at', '<', before).execute()
    },

    async list({ limit, before, ...filter }) {
      if (filter.status?.length === 0) return []
      let query = filtered(rows, filter).orderBy('id', 'desc').limit(limit)
      if (before !== undefined) query = query.where('id', '<', before)
      return (await query.execute()).map(fromRow)
    },

    async summary({ tenant, status = JobStatus.enum } = {}) {
      const jobs = database.selectFrom('jobs')
      const counts = await filtered(jobs, tenant === undefined ? { status } : { tenant, status })
        .select(({ fn }) => ['status', fn.countAll().as('count')])
        .groupBy('status')
        .execute()
      const found = new Map(counts.map(({ status, count }) => [status, Number(count)]))
      return Object.fromEntries(
        JobStatus.enum.map(status => [status, found.get(status) ?? 0])
      ) as Record<JobStatus, number>
    },

    async remove(id) {
      await database.transaction().execute(async transaction => {
        await transaction.deleteFrom('job_tags').where('job_id', '=', id).execute()
        await transaction.deleteFrom('idempotency_keys').where('answer', '=', id).execute()
        const removed = await transaction
          .deleteFrom('jobs')
          .where('id', '=', id)
          .returning('batch')
          .executeTakeFirst()
        if (removed?.batch) await forgetEmptyBatch(transaction, removed.batch)
      })
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

/** Its key goes with its last job: what it stood for is there no more. */
async function forgetEmptyBatch(database: Kysely<Tables>, batch: string): Promise<void> {
  await database
    .deleteFrom('idempotency_keys')
    .where('answer', '=', batch)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('jobs').select('id').where('batch', '=', batch)))
    )
    .execute()
}

/** Within what a statement may have of parameters. */
const rowsAtOnce = 500

function* chunks<Item>(items: Item[], size: number): Generator<Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

async function takeKey(
  database: Kysely<Tables>,
  { createdAt, ...key }: IdempotencyKey
): Promise<boolean> {
  const { numInsertedOrUpdatedRows: inserted } = await database
    .insertInto('idempotency_keys')
    .values({ ...key, created_at: createdAt })
    .onConflict(conflict => conflict.doNothing())
    .executeTakeFirst()
  return inserted === 1n
}

const tagRows = ({ id, tags }: JobRecord) =>
  Object.entries(tags).map(([key, value]) => ({ job_id: id, key, value }))

function filtered<Output>(
  query: SelectQueryBuilder<Tables, 'jobs', Output>,
  { tenant, status, name, project, batch, tags = [], createdAfter, createdBefore }: JobFilter
) {
  let found = query
  if (tenant !== undefined) found = found.where('tenant', '=', tenant)
  if (status) found = found.where('status', 'in', status)
  if (name !== undefined) found = found.where('name', '=', name)
  if (project !== undefined) found = found.where('project_digest', '=', project)
  if (batch !== undefined) found = found.where('batch', '=', batch)
  if (createdAfter !== undefined) found = found.where('created_at', '>', createdAfter)
  if (createdBefore !== undefined) found = found.where('created_at', '<', createdBefore)
  for (const [key, value] of tags)
    found = found.where('id', 'in', ({ selectFrom }) =>
      selectFrom('job_tags').select('job_id').where('key', '=', key).where('value', '=', value)
    )
  return found
}

const toRow = (job: JobRecord) => ({
  id: job.id,
  tenant: job.tenant,
  created_at: job.createdAt,
  stop_requested_at: job.stopRequestedAt,
  batch: job.batch,
  version: job.version,
  ...changing(job)
})

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
const added = {
  tenant: defaultTenant,
  resources: {},
  inputs: {},
  billableSeconds: null,
  batch: null,
  rerunOf: null,
  serviceVersion: null,
  keptBytes: null
}

const fromRow = ({ document, version, stop_requested_at }: Row): JobRecord => ({
  ...added,
  ...(JSON.parse(document) as Omit<JobRecord, 'version' | 'stopRequestedAt'>),
  version,
  stopRequestedAt: stop_requested_at
})

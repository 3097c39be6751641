/**
 * The record of jobs in an SQL database. A job is a JSON document; what is searched for, and what may change on its
 * own, has a column. Every change of a job is one statement; only what comes and goes together needs a transaction.
 */
import { type CompiledQuery, type Dialect, Kysely, type Transaction } from 'kysely'
import { isTerminal, type JobRecord, JobStatus } from '../jobs/job.ts'
import { alone } from './alone.ts'
import { countJobs, keptCounts } from './count-jobs.ts'
import { filtered } from './filtered.ts'
import type { IdempotencyKey, Store } from './index.ts'
import { fromRow, type Row, toRow } from './job-row.ts'
import { knownRecords } from './known-records.ts'
import { listRows } from './list-rows.ts'
import { type MigrateOptions, migrate, type Tables } from './migrations.ts'
import { guardInProcess, type ProjectGuard } from './project-guard.ts'
import { saveJob } from './save-job.ts'

export interface SqlDatabase extends MigrateOptions {
  name: Store['name']
  dialect: Dialect
  readAtOnce?: ReadAtOnce
}

/** The rows, without waiting for a connection; undefined where a transaction is under way, for they would be as it sees them. */
export type ReadAtOnce = (query: CompiledQuery) => unknown[] | undefined

/** Of documents that are kept parsed, with what is made of them: some thousand jobs. */
const knownCharacters = 2 * 1024 * 1024
/** Read again with each job that comes. All that is in progress would push out what clients poll. */
const knownPage = 200

const terminal = JobStatus.enum.filter(isTerminal)

/** Of a database that no other service uses; closing the store closes it. */
export async function createStore(sqlDatabase: SqlDatabase): Promise<Store> {
  const database = await openTables(sqlDatabase)
  const store = createSqlStore(sqlDatabase, database, guardInProcess(database))
  return { ...store, ...alone(store) }
}

/** Brings the tables up to date. */
export async function openTables({ dialect, ...options }: SqlDatabase): Promise<Kysely<Tables>> {
  const database = new Kysely<Tables>({ dialect })
  try {
    await migrate(database, options)
    return database
  } catch (error) {
    await database.destroy()
    throw error
  }
}

/** What is the same for one service and for several. */
export function createSqlStore(
  { name, readAtOnce, keepCounts }: Pick<SqlDatabase, 'name' | 'readAtOnce' | 'keepCounts'>,
  database: Kysely<Tables>,
  guard: ProjectGuard
): Omit<Store, 'lead' | 'onChange'> {
  const rows = database
    .selectFrom('jobs')
    .select(['id', 'stop_requested_at', 'version', 'document'])
  // The most frequent questions by far: built once, for that takes longer than to answer them.
  const byId = rows.where('id', '=', '').compile()
  const ofTenant = rows.where('id', '=', '').where('tenant', '=', '').compile()
  const recordOf = knownRecords(knownCharacters)

  const get = async (id: string, tenant?: string) => {
    const query =
      tenant === undefined
        ? { ...byId, parameters: [id] }
        : { ...ofTenant, parameters: [id, tenant] }
    const rows = readAtOnce?.(query) ?? (await database.executeQuery(query)).rows
    const [row] = rows as Row[]
    return row && recordOf(id, row)
  }

  return {
    name,
    get,

    async insert(given, key, demandProject) {
      const jobs = Array.isArray(given) ? given : [given]
      const insertAll = async (transaction: Transaction<Tables>) => {
        if (key && !(await takeKey(transaction, key))) return false
        for (const some of chunks(jobs, rowsAtOnce))
          await transaction.insertInto('jobs').values(some.map(toRow)).execute()
        for (const some of chunks(jobs.flatMap(tagRows), rowsAtOnce))
          await transaction.insertInto('job_tags').values(some).execute()
        return true
      }
      const [first] = jobs
      if (!demandProject || !first) return database.transaction().execute(insertAll)
      return guard.use(projectOf(first), async write => {
        await demandProject()
        return write(insertAll)
      })
    },

    whileKept: (project, act) => guard.use(project, act),

    ifUnused: (project, act) =>
      guard.alone(project, async database => {
        const jobs = filtered(database.selectFrom('jobs').select('id'), {
          tenant: project.tenant,
          project: project.digest
        })
        return (await jobs.limit(1).executeTakeFirst()) ? false : act()
      }),

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

    list: async query => (await listRows(database, query)).map(fromRow),

    summary: (filter = {}) => (keepCounts ? keptCounts : countJobs)(database, filter),

    async remove(id) {
      await database.transaction().execute(async transaction => {
        await transaction.deleteFrom('job_tags').where('job_id', '=', id).execute()
        await transaction.deleteFrom('idempotency_keys').where('answer', '=', id).execute()
        const removed = await transaction
          .deleteFrom('jobs')
          .where('id', '=', id)
          .returning(['tenant', 'batch'])
          .executeTakeFirst()
        if (removed?.batch) await forgetEmptyBatch(transaction, removed.tenant, removed.batch)
      })
    },

    async oldest(statuses, limit, { after, notOf = [], stopRequested } = {}) {
      if (statuses.length === 0) return []
      let query = rows.where('status', 'in', statuses).orderBy('id', 'asc').limit(limit)
      if (after !== undefined) query = query.where('id', '>', after)
      if (notOf.length > 0) query = query.where('tenant', 'not in', notOf)
      if (stopRequested) query = query.where('stop_requested_at', 'is not', null)
      const found = await query.execute()
      return limit > knownPage ? found.map(fromRow) : found.map(row => recordOf(row.id, row))
    },

    save: job => saveJob(database, job),

    async requestStop(id, at, tenant) {
      const update = database
        .updateTable('jobs')
        .set(({ eb }) => ({ stop_requested_at: at, version: eb('version', '+', 1) }))
        .where('id', '=', id)
        .where('stop_requested_at', 'is', null)
        .where('status', 'not in', terminal)
      await (tenant === undefined ? update : update.where('tenant', '=', tenant)).execute()
      return get(id, tenant)
    },

    async check() {
      await database.selectFrom('jobs').select('id').limit(1).execute()
    },

    close: () => database.destroy()
  }
}

/** Its key goes with its last job: what it stood for is there no more. */
async function forgetEmptyBatch(
  database: Kysely<Tables>,
  tenant: string,
  batch: string
): Promise<void> {
  await database
    .deleteFrom('idempotency_keys')
    .where('answer', '=', batch)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('jobs').select('id').where('tenant', '=', tenant).where('batch', '=', batch)
        )
      )
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

const projectOf = ({ tenant, project: { digest } }: JobRecord) => ({ tenant, digest })

const tagRows = ({ id, tenant, tags }: JobRecord) =>
  Object.entries(tags).map(([key, value]) => ({ tenant, key, value, job_id: id }))

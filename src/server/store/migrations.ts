/** How the tables came to be: SQL that SQLite and PostgreSQL both take. */
import { type Expression, type Generated, type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { version } from '../version.ts'

export interface Tables {
  jobs: {
    id: string
    tenant: string
    status: string
    project_digest: string
    name: string | null
    created_at: string
    stop_requested_at: string | null
    batch: string | null
    version: number
    /** The record as JSON, without what has a column that may change on its own. */
    document: string
  }
  job_tags: { tenant: string; key: string; value: string; job_id: string }
  idempotency_keys: {
    scope: string
    key: string
    fingerprint: string
    answer: string
    created_at: string
  }
  /** Only where the database keeps them. */
  job_counts: { tenant: string; status: string; count: number }
  /** Only where several services share the database: one row. */
  leadership: {
    /** Grows whenever another service leads. */
    token: number
    /** For people: host and process. */
    holder: string
    expires_at: Date
  }
  kysely_migration: { name: string; timestamp: Generated<string> }
}

export interface MigrateOptions {
  /** For messages: where the database is, without secrets. */
  location: string
  /** What else can be done about a database of a newer version. */
  remedy: string
  /** For text that is put in order: as bytes are. */
  orderedText: 'text' | Expression<string>
  /** Adds what several services need. */
  share?(database: Kysely<Tables>): Promise<void>
  /** Adds what counts jobs while they come and go. */
  keepCounts?(database: Kysely<Tables>): Promise<void>
}

/**
 * Run in the order of their names, each once, never changed afterwards. Behind the @ stands the version of the service
 * that brought it, so that an older one can say what it has met.
 */
const migrationsFor = ({
  orderedText,
  share,
  keepCounts
}: MigrateOptions): Record<string, Migration> => ({
  '0001-jobs@0.1.0': {
    async up(database) {
      await database.schema
        .createTable('jobs')
        .addColumn('id', orderedText, column => column.primaryKey().notNull())
        .addColumn('status', 'text', column => column.notNull())
        .addColumn('project_digest', 'text', column => column.notNull())
        .addColumn('name', 'text')
        .addColumn('created_at', orderedText, column => column.notNull())
        .addColumn('stop_requested_at', 'text')
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('document', 'text', column => column.notNull())
        .execute()
      // Lists by status, and the loop's search for jobs that are not terminal: both go on by id.
      await database.schema
        .createIndex('jobs_status_id')
        .on('jobs')
        .columns(['status', 'id'])
        .execute()
    }
  },
  '0002-filters-and-keys@0.1.0': {
    async up(database) {
      const { schema } = database
      await schema.alterTable('jobs').addColumn('batch', 'text').execute()
      for (const column of ['name', 'project_digest', 'batch', 'created_at'])
        await schema.createIndex(`jobs_${column}_id`).on('jobs').columns([column, 'id']).execute()
      await schema
        .createTable('job_tags')
        .addColumn('job_id', 'text', column => column.notNull())
        .addColumn('key', 'text', column => column.notNull())
        .addColumn('value', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('job_tags_key', ['key', 'value', 'job_id'])
        .execute()
      await schema.createIndex('job_tags_job').on('job_tags').column('job_id').execute()
      await copyTags(database)
      await schema
        .createTable('idempotency_keys')
        .addColumn('scope', 'text', column => column.notNull())
        .addColumn('key', 'text', column => column.notNull())
        .addColumn('fingerprint', 'text', column => column.notNull())
        .addColumn('answer', 'text', column => column.notNull())
        .addColumn('created_at', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('idempotency_keys_key', ['scope', 'key'])
        .execute()
      for (const column of ['answer', 'created_at'])
        await schema
          .createIndex(`idempotency_keys_${column}`)
          .on('idempotency_keys')
          .column(column)
          .execute()
    }
  },
  '0003-several-services@0.1.0': {
    async up(database) {
      await share?.(database)
    }
  },
  '0004-tenants@0.1.0': {
    async up({ schema }) {
      await schema
        .alterTable('jobs')
        .addColumn('tenant', orderedText, column => column.notNull().defaultTo('default'))
        .execute()
      for (const columns of [
        ['tenant', 'id'],
        ['tenant', 'status', 'id']
      ])
        await schema
          .createIndex(`jobs_${columns.join('_')}`)
          .on('jobs')
          .columns(columns)
          .execute()
    }
  },
  '0005-by-tenant@0.1.0': {
    async up(database) {
      await searchByTenant(database)
      // Queued jobs are many, and those of them that are to stop are few.
      await database.schema
        .createIndex('jobs_to_stop')
        .on('jobs')
        .columns(['status', 'id'])
        .where(sql.ref('stop_requested_at'), 'is not', null)
        .execute()
    }
  },
  '0006-by-several-things@0.1.0': {
    up: ({ schema }) => decideInIndexes(schema)
  },
  '0007-counts-and-ages@0.1.0': {
    async up(database) {
      await keepCounts?.(database)
      // Whether a job is old is decided in the index, too.
      await rebuildIndex(database.schema, 'jobs_status_id', ['status', 'id', 'created_at'])
    }
  }
})

/**
 * Rows of jobs are large. By what stands behind the id, a row that does not meet the rest of a filter is passed over
 * without being read: a hundred thousand of them in milliseconds.
 */
async function decideInIndexes(schema: Kysely<Tables>['schema']): Promise<void> {
  await schema.dropIndex('jobs_tenant_created_at_id').execute()
  const decided = {
    jobs_tenant_id: ['tenant', 'id', 'created_at'],
    jobs_tenant_status_id: ['tenant', 'status', 'id', 'created_at'],
    jobs_tenant_name_id: ['tenant', 'name', 'id', 'status', 'created_at'],
    jobs_tenant_project_digest_id: ['tenant', 'project_digest', 'id', 'status', 'created_at'],
    jobs_tenant_batch_id: ['tenant', 'batch', 'id', 'status', 'created_at']
  }
  for (const [name, columns] of Object.entries(decided)) await rebuildIndex(schema, name, columns)
}

async function rebuildIndex(
  schema: Kysely<Tables>['schema'],
  name: string,
  columns: string[]
): Promise<void> {
  await schema.dropIndex(name).execute()
  await schema.createIndex(name).on('jobs').columns(columns).execute()
}

/** What a tenant looks for is looked for among its own: how much others have would show in the time that it takes. */
async function searchByTenant(database: Kysely<Tables>): Promise<void> {
  const { schema } = database
  for (const column of ['name', 'project_digest', 'batch', 'created_at']) {
    await schema.dropIndex(`jobs_${column}_id`).execute()
    await schema
      .createIndex(`jobs_tenant_${column}_id`)
      .on('jobs')
      .columns(['tenant', column, 'id'])
      .execute()
  }
  await schema
    .createTable('tenant_tags')
    .addColumn('tenant', 'text', column => column.notNull())
    .addColumn('key', 'text', column => column.notNull())
    .addColumn('value', 'text', column => column.notNull())
    .addColumn('job_id', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('tenant_tags_key', ['tenant', 'key', 'value', 'job_id'])
    .execute()
  await sql`
    insert into tenant_tags (tenant, key, value, job_id)
    select jobs.tenant, job_tags.key, job_tags.value, job_tags.job_id
    from job_tags join jobs on jobs.id = job_tags.job_id`.execute(database)
  await schema.dropTable('job_tags').execute()
  await schema.alterTable('tenant_tags').renameTo('job_tags').execute()
  await schema.createIndex('job_tags_job').on('job_tags').column('job_id').execute()
}

/** Of the jobs that are there already. */
async function copyTags(database: Kysely<Tables>): Promise<void> {
  const jobs = database.selectFrom('jobs').select(['id', 'document'])
  // As the table was then.
  for (const { id, document } of await jobs.execute())
    for (const [key, value] of Object.entries<string>(JSON.parse(document).tags))
      await sql`insert into job_tags (job_id, key, value) values (${id}, ${key}, ${value})`.execute(
        database
      )
}

/** Brings the tables up to date; refuses a database that a newer version of the service has changed. */
export async function migrate(database: Kysely<Tables>, options: MigrateOptions): Promise<void> {
  const migrations = migrationsFor(options)
  const { location } = options
  await refuseNewer(database, Object.keys(migrations), options)
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations }
  })
  const { error } = await migrator.migrateToLatest()
  if (error)
    throw new Error(`The tables of ${location} cannot be made: ${(error as Error).message}.`, {
      cause: error
    })
}

async function refuseNewer(
  database: Kysely<Tables>,
  known: string[],
  { location, remedy }: MigrateOptions
): Promise<void> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(table => table.name === 'kysely_migration')) return
  const applied = await database.selectFrom('kysely_migration').select('name').execute()
  const unknown = applied.map(({ name }) => name).filter(name => !known.includes(name))
  const newest = unknown.sort().at(-1)
  if (newest === undefined) return
  const [, by] = newest.split('@')
  throw new Error(
    `${location} was made by a newer version of mlflow-jobs (${by ?? 'unknown'}) than this one (${version}). Run that version or a later one, or ${remedy}.`
  )
}

/**
 * How many jobs each tenant has in each status, kept up by SQLite itself: to count a hundred thousand jobs would hold up
 * all other requests for some milliseconds. PostgreSQL counts: there it holds up nobody, while one row that all writers
 * change would.
 */
import { type Kysely, sql } from 'kysely'
import type { Tables } from './migrations.ts'

export async function keepCounts(database: Kysely<Tables>): Promise<void> {
  await database.schema
    .createTable('job_counts')
    .addColumn('tenant', 'text', column => column.notNull())
    .addColumn('status', 'text', column => column.notNull())
    .addColumn('count', 'integer', column => column.notNull())
    .addPrimaryKeyConstraint('job_counts_key', ['tenant', 'status'])
    .execute()
  await sql`
    insert into job_counts select tenant, status, count(*) from jobs group by tenant, status
  `.execute(database)
  await sql`
    create trigger jobs_counted_in after insert on jobs begin ${comes}; end`.execute(database)
  await sql`
    create trigger jobs_counted_out after delete on jobs begin ${goes}; end`.execute(database)
  await sql`
    create trigger jobs_counted_over after update of status on jobs when old.status <> new.status
    begin ${goes}; ${comes}; end`.execute(database)
}

const comes = sql`
  insert into job_counts values (new.tenant, new.status, 1)
  on conflict (tenant, status) do update set count = count + 1`

const goes = sql`
  update job_counts set count = count - 1 where tenant = old.tenant and status = old.status`

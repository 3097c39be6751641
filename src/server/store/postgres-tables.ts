/** What tables in PostgreSQL have beside those of SQLite: an order of text by bytes, and all that several services need. */
import { type Kysely, sql } from 'kysely'
import type { Tables } from './migrations.ts'

/** As ids are ordered in SQLite and in JavaScript, whatever the language of the database is. */
export const orderedText = sql<string>`text collate "C"`

/** A job of that id has changed. */
export const changedChannel = 'mlflow_jobs_changed'
/** A job was submitted, or is to be stopped. */
export const askedChannel = 'mlflow_jobs_asked'

/**
 * Who leads, and triggers that tell of changes: what they say is sent when the change is committed, and not without it.
 * The token is the key, so that a row lock FOR KEY SHARE keeps others from taking over and not the leader from renewing.
 */
export async function shareTables(database: Kysely<Tables>): Promise<void> {
  await database.schema
    .createTable('leadership')
    .addColumn('token', 'integer', column => column.primaryKey())
    .addColumn('holder', 'text', column => column.notNull())
    .addColumn('expires_at', 'timestamptz', column => column.notNull())
    .execute()
  await sql`insert into leadership values (0, '', '-infinity')`.execute(database)
  await sql`
    create function mlflow_jobs_tell_changed() returns trigger language plpgsql as $$
    begin
      perform pg_notify(${sql.lit(changedChannel)}, new.id);
      if new.stop_requested_at is distinct from old.stop_requested_at then
        perform pg_notify(${sql.lit(askedChannel)}, '');
      end if;
      return null;
    end $$`.execute(database)
  await sql`
    create function mlflow_jobs_tell_asked() returns trigger language plpgsql as $$
    begin
      perform pg_notify(${sql.lit(askedChannel)}, '');
      return null;
    end $$`.execute(database)
  await sql`
    create trigger mlflow_jobs_changed after update on jobs
    for each row execute function mlflow_jobs_tell_changed()`.execute(database)
  await sql`
    create trigger mlflow_jobs_asked after insert on jobs
    for each statement execute function mlflow_jobs_tell_asked()`.execute(database)
}

/**
 * From the look whether a project is there until the jobs that need it are recorded, nobody removes it; and while somebody
 * removes it because no job needs it, no job comes that does.
 */
import { type Kysely, sql, type Transaction } from 'kysely'
import pLimit from 'p-limit'
import { createKeyedLock } from '../../system/keyed-lock.ts'
import type { ProjectName } from './index.ts'
import type { Tables } from './migrations.ts'

type Write = <Result>(
  work: (transaction: Transaction<Tables>) => Promise<Result>
) => Promise<Result>

export interface ProjectGuard {
  /** Many at once, but nobody is alone with the project meanwhile. Who loses that on the way writes nothing. */
  use<Result>(project: ProjectName, act: (write: Write) => Promise<Result>): Promise<Result>
  alone<Result>(
    project: ProjectName,
    act: (database: Kysely<Tables>) => Promise<Result>
  ): Promise<Result>
}

/** Of a database that no other service uses. A write is one after the other there anyway: so are these. */
export function guardInProcess(database: Kysely<Tables>): ProjectGuard {
  const lock = createKeyedLock()
  return {
    use: (project, act) =>
      lock.run(nameOf(project), () => act(work => database.transaction().execute(work))),
    alone: (project, act) => lock.run(nameOf(project), () => act(database))
  }
}

/**
 * Of one that several services share: advisory locks that end with their transaction, for a pooler gives the next one
 * another session. Jobs are written in the transaction that has the lock: without the one, there is not the other.
 */
export function guardByLocks(database: Kysely<Tables>, connections: number): ProjectGuard {
  // A slow storage makes them wait long: here for their turn, not for a connection, which would be lost patience with.
  const inTurn = pLimit(connections)
  const locked = <Result>(
    project: ProjectName,
    how: 'shared' | 'exclusive',
    act: (transaction: Transaction<Tables>) => Promise<Result>
  ) =>
    inTurn(() =>
      database.transaction().execute(async transaction => {
        const lock = sql.raw(`pg_advisory_xact_lock${how === 'shared' ? '_shared' : ''}`)
        const key = sql`hashtextextended(${nameOf(project)}, 0)`
        await sql`select ${lock}(${key})`.execute(transaction)
        return act(transaction)
      })
    )
  return {
    use: (project, act) => locked(project, 'shared', transaction => act(work => work(transaction))),
    alone: (project, act) => locked(project, 'exclusive', act)
  }
}

const nameOf = ({ tenant, digest }: ProjectName) => JSON.stringify([tenant, digest])

/**
 * A project is not removed while a job of it is being recorded, and no job of it is recorded while it is being removed. Who
 * submits looks whether the project is there, and then records the job (`use`); who sweeps looks whether a job has the
 * project, and then removes it (`alone`). When one of the two has looked, the other waits until it is done.
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
  /** Many may at once, for the same project, too. What `act` writes is written only if the lock has held until then. */
  use<Result>(project: ProjectName, act: (write: Write) => Promise<Result>): Promise<Result>
  /** Nobody else uses the project or is alone with it meanwhile. */
  alone<Result>(
    project: ProjectName,
    act: (database: Kysely<Tables>) => Promise<Result>
  ): Promise<Result>
}

/** For a database that no other service uses: the lock is this process's own, and no two share it. */
export function guardInProcess(database: Kysely<Tables>): ProjectGuard {
  const lock = createKeyedLock()
  return {
    use: (project, act) =>
      lock.run(nameOf(project), () => act(work => database.transaction().execute(work))),
    alone: (project, act) => lock.run(nameOf(project), () => act(database))
  }
}

/**
 * For a database that several services share: advisory locks of PostgreSQL. They are bound to the transaction, not to the
 * session, which a pooler may give to somebody else. `use` writes the jobs in the transaction that has the lock: where
 * the connection breaks, both are gone.
 */
export function guardByLocks(database: Kysely<Tables>, connections: number): ProjectGuard {
  // Each keeps a connection while the storage is asked. Where that is slow the others wait here: waiting for a connection
  // ends with an error after a while.
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

/**
 * Of several services on one database, one leads: it alone runs the loop. Leadership is a row with a token that only
 * grows and a time by the database's clock. A session's advisory lock would end sooner when its holder dies, but a holder
 * that hangs keeps it for as long as its connection lives, and one that lost its connection does not know that it lost
 * the lock; behind a pooler it means nothing. A lease ends by itself, and each write of its holder names the token.
 */
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { reasonOf } from './explain-lost.ts'
import type { Store, Term } from './index.ts'
import type { Tables } from './migrations.ts'
import { saveJob } from './save-job.ts'

export interface LeadershipOptions {
  /** For what the leader writes. */
  database: Kysely<Tables>
  /** For its lease alone: it need not wait behind anything else. */
  leases: Kysely<Tables>
  leaseMilliseconds: number
  onProblem(text: string): void
}

/** Somebody else leads now: what is to be written may be out of date. */
export class TermOver extends Error {
  override name = 'TermOver'
}

/** How often one that does not lead looks whether nobody does. */
const lookMilliseconds = 1_000

export function createLeadership(options: LeadershipOptions): Pick<Store, 'lead'> {
  const { database, leases, leaseMilliseconds, onProblem } = options
  const look = Math.min(lookMilliseconds, leaseMilliseconds / 4)
  const untilExpiry = sql<Date>`clock_timestamp() + ${leaseMilliseconds} * interval '1 millisecond'`

  /** Answers the new token where nobody leads. */
  async function take(): Promise<number | undefined> {
    const taken = await leases
      .updateTable('leadership')
      .set(({ eb }) => ({
        token: eb('token', '+', 1),
        holder: `${hostname()}:${process.pid}`,
        expires_at: untilExpiry
      }))
      .where('expires_at', '<', sql<Date>`clock_timestamp()`)
      .returning('token')
      .executeTakeFirst()
    return taken?.token
  }

  async function renew(token: number): Promise<boolean> {
    const renewed = await leases
      .updateTable('leadership')
      .set({ expires_at: untilExpiry })
      .where('token', '=', token)
      .returning('token')
      .executeTakeFirst()
    return renewed !== undefined
  }

  async function isCurrent(token: number): Promise<boolean> {
    const found = database.selectFrom('leadership').select('token').where('token', '=', token)
    return (await found.executeTakeFirst()) !== undefined
  }

  function createTerm(token: number, takenAt: number): Term {
    const over = new AbortController()
    /** By this machine's clock, and a while before the database says so: counted from before it was asked. */
    let holdsUntil = takenAt + actMilliseconds(leaseMilliseconds)
    let expiry = setTimeout(expire, Math.max(0, holdsUntil - performance.now()))
    const renewing = renewAgain()

    function expire(): void {
      const left = holdsUntil - performance.now()
      if (left > 0) expiry = setTimeout(expire, left)
      else over.abort(new TermOver('The database could not be asked for longer than the lease.'))
    }

    async function renewAgain(): Promise<void> {
      for (;;) {
        await sleep(leaseMilliseconds / 4, undefined, { signal: over.signal }).catch(() => {})
        if (over.signal.aborted) return
        const askedAt = performance.now()
        try {
          if (await renew(token)) holdsUntil = askedAt + actMilliseconds(leaseMilliseconds)
          else over.abort(new TermOver('Another service leads.'))
        } catch (error) {
          onProblem(`The lease could not be renewed: ${reasonOf(error as Error)}`)
        }
      }
    }

    return {
      over: over.signal,
      holds: () => !over.signal.aborted && performance.now() < holdsUntil,
      async save(job) {
        const saved = await saveJob(database, job, token)
        if (!saved && !(await isCurrent(token))) {
          const lost = new TermOver('Another service leads.')
          over.abort(lost)
          throw lost
        }
        return saved
      },
      async end() {
        over.abort(new TermOver('The term was ended.'))
        clearTimeout(expiry)
        await renewing
        await leases
          .updateTable('leadership')
          .set({ expires_at: sql<Date>`'-infinity'` })
          .where('token', '=', token)
          .execute()
          .catch(() => {})
      }
    }
  }

  return {
    async lead(signal) {
      let problem = ''
      while (!signal.aborted) {
        const askedAt = performance.now()
        try {
          const token = await take()
          if (token !== undefined) return createTerm(token, askedAt)
          problem = ''
        } catch (error) {
          const message = reasonOf(error as Error)
          if (message !== problem) onProblem(`Nobody can lead: ${message}`)
          problem = message
        }
        await sleep(look, undefined, { signal }).catch(() => {})
      }
      return undefined
    }
  }
}

/** What is begun at the last moment has a quarter of the lease to arrive. */
const actMilliseconds = (leaseMilliseconds: number) => (leaseMilliseconds * 3) / 4

/** What a lost or overburdened PostgreSQL throws, as STORE_UNAVAILABLE with the reason. */
import pg from 'pg'
import { StoreUnavailable } from '../errors.ts'
import type { Store } from './index.ts'

/** The same store; errors that are the fault of what was asked for stay as they are. */
export function explainLost(store: Store): Store {
  const explained = Object.entries(store).map(([name, member]) => [
    name,
    typeof member === 'function' ? explain(member) : member
  ])
  return Object.fromEntries(explained)
}

const explain =
  (act: (...given: unknown[]) => unknown) =>
  (...given: unknown[]) => {
    const answer = act(...given)
    return answer instanceof Promise ? answer.catch(rethrow) : answer
  }

function rethrow(error: Error): never {
  if (!isLost(error)) throw error
  throw new StoreUnavailable(`The database of jobs cannot be used now: ${reasonOf(error)}.`, {
    cause: error
  })
}

/** Wrong data, a broken constraint, a wrong statement. */
const ownFault = /^(22|23|42)/

/** `pg` tells its own troubles (timeouts, a connection that has ended) by plain errors, and those of the net by Node's. */
export function isLost(
  error: Error & { code?: string; syscall?: string; statusCode?: number }
): boolean {
  // Of what was called while the database waited, such as the storage.
  if (error.statusCode !== undefined) return false
  if (error instanceof pg.DatabaseError) return !ownFault.test(error.code ?? '')
  return (
    error.syscall !== undefined ||
    /^E[A-Z]+$/.test(error.code ?? '') ||
    /timeout|terminated|connect|pool/i.test(error.message)
  )
}

/** Of several addresses that refused, Node tells none in the message. */
export const reasonOf = (error: Error & { code?: string }): string =>
  error.message || (error.code ?? error.name)

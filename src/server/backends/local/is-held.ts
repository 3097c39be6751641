/** Whether a job's supervisor or runtime lives, by the lock that it holds for as long. */
import { chmodSync, lstatSync, truncateSync } from 'node:fs'
import { tryLock } from '../../../system/lock.ts'

/** Who can take it knows that its holder is dead. */
export function isHeld(file: string): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false })
  // What was put in its place is nobody's lock.
  if (found && !found.isFile()) return false
  // The program may have written into it, also from behind a wall. The holder's lock stays: it is none of the content's.
  if (found && (found.mode & 0o600) !== 0o600) chmodSync(file, 0o600)
  if (found && found.size > 0) truncateSync(file)
  const lock = tryLock(file)
  lock?.release()
  return !lock
}

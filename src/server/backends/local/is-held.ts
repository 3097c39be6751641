/** Whether a job's supervisor or runtime lives, by the lock that it holds for as long. */
import { chmodSync, lstatSync } from 'node:fs'
import { emptyLock, tryLock } from '../../../system/lock.ts'

/** Who can take it knows that its holder is dead. */
export function isHeld(file: string): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false })
  // What was put in its place is nobody's lock.
  if (found && !found.isFile()) return false
  // The program can write there, also from behind a wall.
  if (found && (found.mode & 0o600) !== 0o600) chmodSync(file, 0o600)
  emptyLock(file)
  const lock = tryLock(file)
  lock?.release()
  return !lock
}

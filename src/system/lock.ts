/**
 * A lock between processes that the kernel gives back when its holder dies, however it dies: an exclusive
 * transaction on an SQLite file, that is POSIX record locking on Linux and macOS alike. It needs no process
 * ids, which are used again, and leaves nothing that could go stale.
 */
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

const sqliteBusy = 5
const pollMilliseconds = 100

export interface Lock {
  release(): void
}

/** Takes the lock at once, or answers undefined when another process (or another holder here) has it. */
export function tryLock(file: string): Lock | undefined {
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined
    throw error
  }
}

/** Waits for the lock; `signal` ends the waiting with its reason. `onWait` is called once, before the first wait. */
export async function lock(
  file: string,
  { signal, onWait }: { signal?: AbortSignal; onWait?: () => void } = {}
): Promise<Lock> {
  let held = tryLock(file)
  if (!held) onWait?.()
  while (!held) {
    await sleep(pollMilliseconds, undefined, signal ? { signal } : {})
    held = tryLock(file)
  }
  return held
}

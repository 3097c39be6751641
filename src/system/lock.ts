/**
 * A lock between processes that the kernel gives back when its holder dies, however it dies: an exclusive
 * transaction on an SQLite file, that is POSIX record locking on Linux and macOS alike. It needs no process
 * ids, which are used again, and leaves nothing that could go stale. The file stays empty and is nobody's to remove
 * while it may be held: the next one would lock a new file of that name.
 */
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

const sqliteBusy = 5
const pollMilliseconds = 100

/** Two that try in the same instant both see the other; this much patience lets one of them have it. */
const busyTimeoutMilliseconds = 2

export interface Lock {
  /** Gives it back; a second time does nothing. */
  release(): void
}

/** Kept here so that a lock whose holder forgot the object is not given back by the garbage collector. */
const held = new Set<DatabaseSync>()

/** Takes the lock at once, or answers undefined when another process (or another holder here) has it. */
export function tryLock(file: string): Lock | undefined {
  const database = new DatabaseSync(file, { timeout: busyTimeoutMilliseconds })
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined
    throw error
  }
  held.add(database)
  return {
    release() {
      if (held.delete(database)) database.close()
    }
  }
}

/** Waits for the lock; `signal` ends the waiting with its reason. `onWait` is called once, before the first wait. */
export async function lock(
  file: string,
  { signal, onWait }: { signal?: AbortSignal; onWait?: () => void } = {}
): Promise<Lock> {
  signal?.throwIfAborted()
  let taken = tryLock(file)
  if (!taken) onWait?.()
  while (!taken) {
    await sleep(pollMilliseconds, undefined, signal ? { signal } : {}).catch(() =>
      signal?.throwIfAborted()
    )
    taken = tryLock(file)
  }
  return taken
}

/**
 * A lock between processes that the kernel gives back when its holder dies, however it dies: an exclusive
 * transaction on an SQLite file, that is POSIX record locking on Linux and macOS alike. It needs no process
 * ids, which are used again, and leaves nothing that could go stale. The file stays empty and is nobody's to remove
 * while it may be held: the next one would lock a new file of that name.
 */
import { closeSync, constants, ftruncateSync, futimesSync, lstatSync, openSync } from 'node:fs'
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
export const tryLock = (file: string): Lock | undefined =>
  take(file, false, 'PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')

/** As tryLock; many may share the lock at once, and nobody has it alone meanwhile. The file must be there. */
export const tryShare = (file: string): Lock | undefined =>
  take(file, true, 'BEGIN; SELECT 1 FROM sqlite_schema')

function take(file: string, readOnly: boolean, begin: string): Lock | undefined {
  // A link would lock what it leads to, and a FIFO is none.
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === false)
    throw new Error(`${file} is no regular file, and cannot be a lock`)
  const database = new DatabaseSync(file, { timeout: busyTimeoutMilliseconds, readOnly })
  try {
    database.exec(begin)
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

/**
 * Takes out what somebody has written into a lock, which SQLite would take for a database. Who has the lock keeps it, unless
 * that is this process: the kernel looks at the file, not at what is in it. The file keeps its time.
 */
export function emptyLock(file: string): void {
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (!found?.isFile() || found.size === 0) return
  // A link may have taken its place meanwhile.
  const { O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const descriptor = openSync(file, O_WRONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    ftruncateSync(descriptor)
    futimesSync(descriptor, found.atime, found.mtime)
  } finally {
    closeSync(descriptor)
  }
}

interface Waiting {
  /** Ends the waiting with its reason. */
  signal?: AbortSignal
  /** Called once, before the first wait. */
  onWait?(): void
}

/** Waits for the lock. */
export const lock = (file: string, waiting: Waiting = {}): Promise<Lock> =>
  wait(() => tryLock(file), waiting)

/** Waits for its part of the lock, as tryShare takes it. */
export const share = (file: string, waiting: Waiting = {}): Promise<Lock> =>
  wait(() => tryShare(file), waiting)

async function wait(attempt: () => Lock | undefined, { signal, onWait }: Waiting): Promise<Lock> {
  signal?.throwIfAborted()
  let taken = attempt()
  if (!taken) onWait?.()
  while (!taken) {
    await sleep(pollMilliseconds, undefined, signal ? { signal } : {}).catch(() =>
      signal?.throwIfAborted()
    )
    taken = attempt()
  }
  return taken
}

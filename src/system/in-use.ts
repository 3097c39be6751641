/**
 * What processes use, and another may want to remove: each holds a part of the lock `<path>.use` for as long as it uses
 * it, or lives. The file's time is that of the last use; it stays when what it stands for is gone.
 */
import { existsSync } from 'node:fs'
import { lstat, lutimes, open, rm, stat } from 'node:fs/promises'
import { emptyLock, type Lock, share, tryLock } from './lock.ts'

const fileOf = (path: string) => `${path}.use`

/**
 * Once this returns nobody removes what lies there before it is released. The folder above must be there; where nothing
 * can be written in it nobody removes anything, and nothing is held.
 */
export async function use(path: string, signal?: AbortSignal): Promise<Lock> {
  await touch(path).catch(error => {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error
  })
  if (!existsSync(fileOf(path))) return { release() {} }
  return share(fileOf(path), signal ? { signal } : {})
}

/** Acts while nobody uses it, and nobody begins to. Where somebody does, that is noted as its last use, and false answered. */
export async function ifUnused(path: string, act: () => Promise<void>): Promise<boolean> {
  await mend(fileOf(path))
  const lock = tryLock(fileOf(path))
  if (!lock) {
    await touch(path)
    return false
  }
  try {
    await act()
    return true
  } finally {
    lock.release()
  }
}

/** What builds an environment can write there: nobody holds what is no file, and what is in a file is nothing. */
async function mend(file: string): Promise<void> {
  const found = await lstat(file).catch(() => undefined)
  if (found && !found.isFile()) await rm(file, { recursive: true })
  emptyLock(file)
}

/** Where nothing was noted of it, it counts as used now. */
export async function lastUse(path: string): Promise<Date> {
  const found = await stat(fileOf(path)).catch(() => undefined)
  if (found) return found.mtime
  await touch(path)
  return new Date()
}

/** To close a file that this process has locked would give the lock back: one that is there is not opened. */
async function touch(path: string): Promise<void> {
  const now = new Date()
  try {
    await lutimes(fileOf(path), now, now)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // Another makes it at the same time; and a link that leads nowhere makes nothing there.
    const made = await open(fileOf(path), 'ax', 0o600).catch(error => {
      if (error.code !== 'EEXIST') throw error
    })
    await made?.close()
  }
}

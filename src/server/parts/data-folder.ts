/** DATA_DIR: made where it is missing, and taken by one service at a time. */
import { existsSync } from 'node:fs'
import { mkdir, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Lock, tryLock } from '../../system/lock.ts'

export interface DataFolder {
  /** Without links. */
  path: string
  /** For temporary files; emptied when it is taken. */
  temporary: string
  /** Held for as long as the service lives. */
  lock: Lock
}

/** What earlier services left half-done is swept. Throws where another has it, or nothing can be written. */
export async function takeDataFolder(dataDir: string): Promise<DataFolder> {
  try {
    await makeFolder(dataDir)
    // A wall hides the folder itself: by the name of a link to it everything would still be there.
    const path = await realpath(dataDir)
    const temporary = join(path, 'tmp')
    const lock = tryLock(join(path, 'service.lock'))
    if (!lock)
      throw new Error(
        `Another mlflow-jobs service uses ${path}. Stop it, or set DATA_DIR to another folder.`
      )
    await rm(temporary, { recursive: true, force: true })
    await mkdir(temporary, { mode: 0o700 })
    return { path, temporary, lock }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code && notWritable.includes(code))
      throw new Error(
        `The data folder ${dataDir} cannot be written (${code}). Make it writable, or set DATA_DIR to another folder.`,
        { cause: error }
      )
    throw error
  }
}

const notWritable = [
  'EACCES',
  'EROFS',
  'EPERM',
  'ENOENT',
  'ENOTDIR',
  'EEXIST',
  'ENAMETOOLONG',
  'ELOOP',
  'ERR_SQLITE_ERROR'
]

/** With its parents; Node's own way to do so never ends where the kernel takes no folder, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
    await makeFolder(dirname(path))
    await makeFolder(path)
  }
}

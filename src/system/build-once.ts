/**
 * A folder that is costly to make and that many processes want: made once, alone and whole.
 *
 *   <root>/<key>.lock   held by who builds; the kernel gives it back when that process dies
 *   <root>/<key>.XXXX/  where it is built, for good: Python environments cannot be moved
 *   <root>/<key>        a symbolic link to the folder above, made when that is whole
 */
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, realpath, rename, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { lock } from './lock.ts'

export interface BuildOnceOptions {
  root: string
  key: string
  /** Whether a whole folder is still good; otherwise it is built anew. Always, where this is left out. */
  usable?(folder: string): Promise<boolean>
  build(folder: string): Promise<void>
  /** Called once, when another process builds the same. */
  onWait(): void
  signal?: AbortSignal | undefined
}

export interface BuiltFolder {
  /** The link, whose path is the same for every build of the key. */
  link: string
  /** The real path of what it leads to. */
  folder: string
  /** It was there already. */
  reused: boolean
}

/** What a killed or failed build left is removed by the next one. */
export async function buildOnce(options: BuildOnceOptions): Promise<BuiltFolder> {
  const { root, key, usable = async () => true, build, onWait, signal } = options
  const link = join(root, key)
  const find = async (): Promise<BuiltFolder | undefined> => {
    const folder = await realpath(link).catch(() => undefined)
    return folder && (await usable(folder)) ? { link, folder, reused: true } : undefined
  }
  const present = await find()
  if (present) return present
  await mkdir(root, { recursive: true })
  const held = await lock(join(root, `${key}.lock`), { onWait, ...(signal ? { signal } : {}) })
  try {
    const built = await find()
    if (built) return built
    await sweep(root, key)
    const folder = await mkdtemp(`${await realpath(root)}/${key}.`)
    try {
      await build(folder)
    } catch (error) {
      await remove(folder)
      throw error
    }
    await publish(folder, link)
    return { link, folder, reused: false }
  } finally {
    held.release()
  }
}

/** What a killed build started may still be writing: what cannot be removed now is left to the next. */
async function sweep(root: string, key: string): Promise<void> {
  await rm(join(root, key), { force: true })
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name.startsWith(`${key}.`))
      await remove(join(root, entry.name))
  }
}

const remove = (folder: string) =>
  rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {})

async function publish(folder: string, link: string): Promise<void> {
  const temporary = `${link}.${randomUUID()}`
  await symlink(basename(folder), temporary)
  await rename(temporary, link)
}

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
  /** Whether a whole folder is still good; otherwise it is built anew. */
  usable(folder: string): Promise<boolean>
  build(folder: string): Promise<void>
  /** Called once, when another process builds the same. */
  onWait(): void
  signal?: AbortSignal | undefined
}

/** Answers the link's path. What a killed or failed build left is removed by the next one. */
export async function buildOnce(options: BuildOnceOptions): Promise<string> {
  const { root, key, usable, build, onWait, signal } = options
  const link = join(root, key)
  const good = async () => {
    const folder = await realpath(link).catch(() => undefined)
    return folder !== undefined && (await usable(folder))
  }
  if (await good()) return link
  await mkdir(root, { recursive: true })
  const held = await lock(join(root, `${key}.lock`), { onWait, ...(signal ? { signal } : {}) })
  try {
    if (await good()) return link
    await sweep(root, key)
    const folder = await mkdtemp(`${await realpath(root)}/${key}.`)
    try {
      await build(folder)
    } catch (error) {
      await remove(folder)
      throw error
    }
    await publish(folder, link)
    return link
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

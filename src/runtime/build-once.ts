/**
 * A folder that is costly to make and that many processes want: made once, alone and whole.
 *
 *   <root>/<key>.lock   held by who builds; the kernel gives it back when that process dies
 *   <root>/<key>.XXXX/  where it is built, for good: environments cannot be moved
 *   <root>/<key>        a symbolic link to the folder above, made when that is whole
 */
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, realpath, rename, rm, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { lock } from '../system/lock.ts'

export interface BuildOnceOptions {
  root: string
  key: string
  build(folder: string): Promise<void>
  /** Called once, when another process builds the same. */
  onWait(): void
  signal: AbortSignal
}

/** Answers the real path of the folder. What a killed or failed build left is removed by the next one. */
export async function buildOnce({
  root,
  key,
  build,
  onWait,
  signal
}: BuildOnceOptions): Promise<{ folder: string; reused: boolean }> {
  const link = join(root, key)
  const present = await realpath(link).catch(() => undefined)
  if (present) return { folder: present, reused: true }
  await mkdir(root, { recursive: true })
  const held = await lock(join(root, `${key}.lock`), { signal, onWait })
  try {
    const built = await realpath(link).catch(() => undefined)
    if (built) return { folder: built, reused: true }
    await sweep(root, key)
    const folder = await realpath(await mkdtemp(`${link}.`))
    await build(folder)
    await publish(folder, link)
    return { folder, reused: false }
  } finally {
    held.release()
  }
}

async function sweep(root: string, key: string): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const ruin = entry.isDirectory() && entry.name.startsWith(`${key}.`)
    if (ruin) await rm(join(root, entry.name), { recursive: true, force: true })
  }
}

async function publish(folder: string, link: string): Promise<void> {
  const temporary = `${link}.${randomUUID()}`
  await symlink(basename(folder), temporary)
  await rename(temporary, link)
}

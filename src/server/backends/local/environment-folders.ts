/** The environments of projects as they lie in DATA_DIR/environments, and how one is taken away. */
import { randomUUID } from 'node:crypto'
import { readdir, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ifUnused, lastUse } from '../../../system/in-use.ts'
import { tryLock } from '../../../system/lock.ts'

export interface Environment {
  key: string
  /** Without it a build did not end. */
  folder: string | undefined
  /** Milliseconds, by the wall clock. */
  usedAt: number
}

/** As build-once.ts names them: the link, and what it leads to. */
const keyed = /^([0-9a-f]{64})(\.[A-Za-z0-9]{6})?$/
const removed = 'removed.'

/** The one that was used last is the first. */
export async function listEnvironments(root: string): Promise<Environment[]> {
  const names = await readdir(root).catch(() => [])
  const keys = new Set(names.flatMap(name => keyed.exec(name)?.[1] ?? []))
  const found = await Promise.all(
    [...keys].map(async key => ({
      key,
      folder: await realpath(join(root, key)).catch(() => undefined),
      usedAt: (await lastUse(join(root, key))).getTime()
    }))
  )
  return found.sort((a, b) => b.usedAt - a.usedAt)
}

/** False where it is used, or was used since it was listed. */
export async function removeEnvironment(
  root: string,
  { key, usedAt }: Environment
): Promise<boolean> {
  let done = false
  await ifUnused(join(root, key), async () => {
    if ((await lastUse(join(root, key))).getTime() > usedAt) return
    // A job that an earlier version started holds nothing but this while it builds.
    const building = tryLock(join(root, `${key}.lock`))
    if (!building) return
    try {
      const names = await readdir(root)
      // The link first: what it leads to is whole as long as it is there.
      for (const name of names.filter(name => keyed.exec(name)?.[1] === key).sort())
        await moveAway(join(root, name))
      done = true
    } finally {
      building.release()
    }
  })
  return done
}

/** At once, and for good: the next to need it makes it anew. What it was is for `removeMoved`. */
export const moveAway = (path: string) =>
  rename(path, join(dirname(path), `${removed}${randomUUID()}`))

/** Also what an earlier process moved away. Answers what could not be removed, as messages. */
export async function removeMoved(place: string): Promise<string[]> {
  const problems: string[] = []
  const names = await readdir(place).catch(() => [])
  for (const name of names.filter(name => name.startsWith(removed)))
    await rm(join(place, name), { recursive: true, force: true }).catch(({ message }: Error) =>
      problems.push(message)
    )
  return problems
}

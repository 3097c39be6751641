/**
 * Environments of projects that no job has used for long, and what they were built from, are removed: each under the lock
 * that who uses it holds, renamed first. A crash at any point leaves what the next sweep removes.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { ifUnused, lastUse } from '../../../system/in-use.ts'
import { allBuildFolders, type BuildFolders } from './build-folders.ts'
import {
  type Environment,
  listEnvironments,
  moveAway,
  removeEnvironment,
  removeMoved
} from './environment-folders.ts'

export interface KeepEnvironments {
  /** How long an environment is kept after its last use. */
  milliseconds: number
  /** How much all may have together, with what they were built from; Infinity is any, and nothing is measured. */
  bytes: number
}

export interface SweepEnvironmentsOptions extends KeepEnvironments {
  /** DATA_DIR */
  folder: string
  /** Says what was removed, or could not be. */
  say(text: string): void
}

/** Those that jobs use stay, however old and many they are. */
export async function sweepEnvironments(options: SweepEnvironmentsOptions): Promise<void> {
  const { folder, milliseconds, bytes, say } = options
  const places = await allBuildFolders(folder)
  const isOld = (at: number) => Date.now() - at > milliseconds
  /** What one tenant's packages left there is not to keep the others from being swept. */
  const orSay = <Result>(act: () => Promise<Result>) =>
    act().catch(({ message }: Error) => {
      say(`Not swept, the next sweep tries again: ${message}`)
      return undefined
    })
  const environments = await listAll(places)
  const folders = environments.flatMap(each => each.folder ?? [])
  const others = places.flatMap(({ pythons, cache }) => [pythons, cache])
  const sizes = bytes === Infinity ? new Map() : await measure([...folders, ...others])
  let tooMuch = [...sizes.values()].reduce((sum, size) => sum + size, 0) - bytes
  for (const { environments: root, cache } of places) {
    // Jobs that run need none of it, and what environments share with it stays with them.
    if (!existsSync(root) || (tooMuch <= 0 && !isOld(await lastBuild(root)))) continue
    if (!(await orSay(() => removeCache(root, cache)))) continue
    tooMuch -= sizes.get(cache) ?? 0
    say('What environments are built from was removed; what is needed again will be fetched.')
  }
  for (const each of environments.toReversed()) {
    if (each.folder && !isOld(each.usedAt) && tooMuch <= 0) continue
    if (!(await orSay(() => removeEnvironment(each.root, each)))) continue
    if (!each.folder) continue
    tooMuch -= sizes.get(each.folder) ?? 0
    const since = new Date(each.usedAt).toISOString()
    say(`The environment ${each.key} was removed: no job has used it since ${since}.`)
  }
  for (const { environments: root, pythons } of places)
    if (existsSync(root)) await orSay(() => removePythons(root, pythons, isOld))
  for (const { environments: root, cache, pythons } of places)
    for (const place of [root, dirname(cache), pythons])
      for (const problem of await removeMoved(place))
        say(`What was removed is partly there; the next sweep tries again: ${problem}`)
}

/** The one that was used last is the first. */
async function listAll(places: BuildFolders[]): Promise<(Environment & { root: string })[]> {
  const found = await Promise.all(
    places.map(async ({ environments: root }) =>
      (await listEnvironments(root)).map(each => ({ ...each, root }))
    )
  )
  return found.flat().sort((a, b) => b.usedAt - a.usedAt)
}

/** Who builds says so by this name, and who uses an environment that is its alone: interpreters and packages stay. */
const building = (root: string) => join(root, 'building')

const lastBuild = async (root: string) => (await lastUse(building(root))).getTime()

async function removeCache(root: string, cache: string): Promise<boolean> {
  let done = false
  const isThere = await stat(cache).catch(() => undefined)
  if (isThere)
    await ifUnused(building(root), async () => {
      await moveAway(cache)
      done = true
    })
  return done
}

/** Interpreters that uv fetched, and of which no environment is made any more. */
async function removePythons(
  root: string,
  pythons: string,
  isOld: (at: number) => boolean
): Promise<void> {
  const names = await readdir(pythons).catch(() => [])
  const interpreters = names.filter(name => /^[a-z]+-\d/.test(name))
  if (interpreters.length === 0) return
  await lastBuild(root)
  await ifUnused(building(root), async () => {
    const homes = await Promise.all((await listEnvironments(root)).map(homeOf))
    for (const name of interpreters) {
      const path = await realpath(join(pythons, name)).catch(() => join(pythons, name))
      const found = await stat(path).catch(() => undefined)
      const isNeeded = homes.some(home => home?.startsWith(`${path}/`))
      if (!isNeeded && (!found || isOld(found.mtimeMs))) await moveAway(join(pythons, name))
    }
  })
}

/** Where the environment's interpreter is at home. */
async function homeOf({ folder }: Environment): Promise<string | undefined> {
  if (!folder) return undefined
  const text = await readFile(join(folder, 'venv', 'pyvenv.cfg'), 'utf8').catch(() => '')
  const home = /^home = (.*)$/m.exec(text)?.[1]
  return home && realpath(home).catch(() => home)
}

/** Bytes of each; a file with several names counts for the first. What is gone has none. */
async function measure(paths: string[]): Promise<Map<string, number>> {
  const { stdout } = await execa('du', ['-sk', '--', ...paths], { reject: false, lines: true })
  return new Map(
    stdout.map(line => {
      const [kibibytes = '', path = ''] = line.split('\t')
      return [path, Number(kibibytes) * 1024]
    })
  )
}

/**
 * What V8 makes of the sources of supervisors and runtimes, types taken out, kept for those that start later: half of the time
 * until they work. Whoever can write it writes what they do. So there is one only where jobs have a wall, which lets them read
 * the runtimes'; it is nobody's but the service's; and it begins anew with each service.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { give } from './give.ts'
import { runWalled } from './run-walled.ts'
import { type WallBase, wallAround } from './wall.ts'

const folderOf = (dataDir: string) => join(dataDir, 'compile-cache')

/** Filled by each supervisor when it ends. */
export const supervisorCache = (dataDir: string) => join(folderOf(dataDir), 'supervisors')
export const runtimeCache = (dataDir: string) => join(folderOf(dataDir), 'runtimes')

/** What Node is to be told of it. */
export const cacheVariables = (
  folder: string,
  wall: WallBase | undefined
): Record<string, string> => (wall ? { NODE_COMPILE_CACHE: folder } : {})

const runtimeMain = join(import.meta.dirname, '../../../runtime/main.ts')
const longestMilliseconds = 60_000

export interface FillOptions {
  dataDir: string
  /** A folder that is there, for a while. */
  temporary: string
  wall: WallBase
  /** PATH, locale, time zone. */
  environment: Record<string, string>
  signal?: AbortSignal
}

/** By a runtime that only loads, started as a job's is: Node keeps one cache for each user. Jobs that come before do without. */
export async function fillCompileCache(options: FillOptions): Promise<void> {
  const { dataDir, temporary, wall } = options
  const folder = runtimeCache(dataDir)
  // At once, before any job can read what one without a wall may have written there.
  rmSync(folderOf(dataDir), { recursive: true, force: true })
  for (const each of [supervisorCache(dataDir), folder])
    mkdirSync(each, { recursive: true, mode: 0o755 })
  const own = await mkdtemp(join(temporary, 'compile-'))
  try {
    if (wall.user) await give([folder, own], wall.user)
    await load(folder, own, options)
  } finally {
    if (wall.user) await takeBack(folder)
    await rm(own, { recursive: true, force: true })
  }
}

async function load(
  folder: string,
  own: string,
  { wall, environment, signal }: FillOptions
): Promise<void> {
  await runWalled([...wallAround(wall, folder, own), process.execPath, runtimeMain, 'load'], {
    environment: { ...environment, ...cacheVariables(folder, wall) },
    milliseconds: longestMilliseconds,
    signal
  })
}

/** From the user that jobs run as, who reads it from now on: Node makes its files for their owner alone. */
async function takeBack(folder: string): Promise<void> {
  const { getuid, getgid } = process
  await give([folder], { uid: getuid?.() ?? 0, gid: getgid?.() ?? 0 })
  await execa('chmod', ['-R', 'a+rX', '--', folder])
}

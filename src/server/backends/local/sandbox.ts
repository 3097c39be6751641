/** Whether jobs can have a wall around them on this machine, found out by building one. */
import { mkdtemp, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ExecaError, execa } from 'execa'
import { runtimeCache } from './compile-cache.ts'
import { findUser } from './find-user.ts'
import { giveAlone } from './give.ts'
import { runWalled } from './run-walled.ts'
import { systemDevices, systemPaths } from './system-paths.ts'
import { type WallBase, wallAround } from './wall.ts'

/** LOCAL_SANDBOX */
export type SandboxMode = 'auto' | 'bwrap' | 'none'

export interface SandboxOptions {
  mode: SandboxMode
  /** DATA_DIR */
  folder: string
  /** A folder that is there, and may be written. */
  temporary: string
  /** What the operator lets jobs read besides the system. */
  readable: string[]
  /** And write. */
  writable: string[]
  /** LOCAL_USER */
  user?: string | undefined
  /** PATH, locale, time zone. */
  environment: Record<string, string>
}

export interface Sandbox {
  /** Without it jobs run as they are. */
  wall?: WallBase
  /** Why there is none, in sentences. */
  notice?: string
  /** What else is not as an operator would wish. */
  userNotice?: string
}

const trialMilliseconds = 20_000
const source = join(import.meta.dirname, '../../..')

/** What the runtime is made of. */
const runtimePaths = [
  process.execPath,
  source,
  join(source, '../node_modules'),
  join(source, '../package.json')
]

const unprotected =
  'Local jobs run without a sandbox: they can read and write whatever the user of this service can, other jobs and the record of jobs included.'

const asRoot =
  'Local jobs run as root, because the service does. Set LOCAL_USER to a user that has nothing else to do, or run the service as one.'

/** Throws where a sandbox or a user is asked for and there can be none. */
export async function findSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { user } = options
  const sandbox = await findWall(options)
  if (user && !sandbox.wall)
    throw new Error(
      `LOCAL_USER is ${user}: jobs run as another user only in a sandbox. ${sandbox.notice}`
    )
  return user === undefined && process.getuid?.() === 0
    ? { ...sandbox, userNotice: asRoot }
    : sandbox
}

async function findWall(options: SandboxOptions): Promise<Sandbox> {
  const { mode, folder, temporary, readable, writable, environment } = options
  if (mode === 'none') return { notice: `${unprotected} LOCAL_SANDBOX is none.` }
  const bwrap = await findProgram('bwrap', environment)
  if (!bwrap) return without(mode, 'There is no bwrap on the PATH: install bubblewrap.')
  const wall: WallBase = {
    bwrap,
    dataDir: folder,
    system: systemPaths(environment.PATH ?? ''),
    readOnly: readable,
    readWrite: writable,
    devices: systemDevices(),
    tools: [...runtimePaths, runtimeCache(folder)]
  }
  if (options.user)
    wall.user = await findUser(options.user, await findProgram('setpriv', environment), environment)
  // bwrap leaves there the folders that it mounts on.
  const trial = await mkdtemp(join(temporary, 'sandbox-'))
  const problem = await tryWall(wall, trial, environment).finally(() =>
    rm(trial, { recursive: true, force: true })
  )
  return problem === undefined ? { wall } : without(mode, `bwrap cannot build one here: ${problem}`)
}

function without(mode: SandboxMode, why: string): Sandbox {
  if (mode === 'auto') return { notice: `${unprotected} ${why}` }
  throw new Error(
    `LOCAL_SANDBOX is bwrap, and jobs cannot have a sandbox. ${why} Or set LOCAL_SANDBOX to auto or none.`
  )
}

async function findProgram(name: string, env: Record<string, string>): Promise<string | undefined> {
  const options = { env, extendEnv: false, reject: false }
  const { stdout, failed } = await execa('/bin/sh', ['-c', `command -v ${name}`], options)
  return failed ? undefined : stdout
}

/** What is wrong with it; undefined: nothing. A container may forbid any part of it. */
async function tryWall(
  wall: WallBase,
  own: string,
  environment: Record<string, string>
): Promise<string | undefined> {
  if (wall.user) await giveAlone(own, wall.user)
  const outside = await readlink('/proc/self/ns/pid').catch(() => '')
  const inside = [process.execPath, '--print', 'fs.readlinkSync("/proc/self/ns/pid")']
  const { failed, stdout, exitCode, stderr } = await runWalled(
    [...wallAround(wall, own), ...inside],
    { environment, milliseconds: trialMilliseconds }
  ).catch((error: ExecaError) => error)
  const said = /^(bwrap|setpriv): .*/m.exec(String(stderr))?.[0]
  if (failed) return said ?? `what it was to start ended with exit code ${exitCode}: ${stderr}`
  return stdout === outside ? 'it leaves jobs in the namespace of all processes.' : undefined
}

/**
 * A local job's folder: all that is needed to find the job again, whoever died in between.
 *
 *   ml/          the container's /opt/ml
 *   job.json     how to start the runtime
 *   lock         held by the supervisor as long as it lives
 *   runtime.lock held by the runtime likewise: it outlives a supervisor that was killed until it has stopped the program
 *   claim.json   made once, by the supervisor that runs the job or by who stops the job before it began
 *   program.json the process group of the user's program, once it runs
 *   stop         there when a stop was asked for
 *   log.txt      what runtime and program print
 *   exit.json    how it ended; written last
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ContainerTree, containerTree } from '../../../contract/container.ts'
import type { Excess, JobLimits } from './limits.ts'

export interface JobFolder {
  path: string
  tree: ContainerTree
  job: string
  lock: string
  runtimeLock: string
  claim: string
  program: string
  stop: string
  log: string
  exit: string
  home: string
  temporary: string
  modelArchive: string
  outputArchive: string
}

/** How the supervisor starts the runtime. */
export interface JobFile {
  command: string
  arguments: string[]
  environment: Record<string, string>
  /** The command that the runtime's own follows: it builds the wall around it (wall.ts). */
  wall?: string[]
  /** Another process, with a wall of its own, in which the environment is built when the runtime asks for it. */
  build?: { arguments: string[]; environment: Record<string, string>; wall: string[] }
  stopGraceSeconds: number
  /** When it has run for so long it is stopped. */
  maxRuntimeSeconds?: number
  limits?: JobLimits
}

/** Who has the job, for good. */
export interface Claim {
  at: string
  /** A stop was first: the job will never begin. */
  stoppedBeforeStart?: boolean
}

export const stoppedBeforeStart = ({ at }: Claim): ExitFile => ({
  exitCode: 143,
  stopped: true,
  startedAt: null,
  endedAt: at
})

export interface ExitFile {
  /** 128 + n where signal n ended the runtime. */
  exitCode: number
  /** A stop was asked for, and the job did not end well by itself before. */
  stopped: boolean
  /** null: stopped before it began. */
  startedAt: string | null
  endedAt: string
  /** It was stopped because it had run for longer than these seconds, which it may. */
  maxRuntimeSeconds?: number
  /** It was ended because it used more than it may. */
  excess?: Excess
  /** Why what it left is not whole. */
  problem?: string
}

export function jobFolder(path: string): JobFolder {
  return {
    path,
    tree: containerTree(join(path, 'ml')),
    job: join(path, 'job.json'),
    lock: join(path, 'lock'),
    runtimeLock: join(path, 'runtime.lock'),
    claim: join(path, 'claim.json'),
    program: join(path, 'program.json'),
    stop: join(path, 'stop'),
    log: join(path, 'log.txt'),
    exit: join(path, 'exit.json'),
    home: join(path, 'home'),
    temporary: join(path, 'tmp'),
    modelArchive: join(path, 'model.tar.gz'),
    outputArchive: join(path, 'output.tar.gz')
  }
}

/** As its own processes see it where there is a wall around them, whichever job it is. */
export const folderBehindWall = (dataDir: string): JobFolder => jobFolder(join(dataDir, 'job'))

/** Writes the file whole and durably, or not at all. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  const temporary = await writeBeside(file, value)
  await rename(temporary, file)
  await syncFolder(dirname(file))
}

/** Creates the file whole and durably; false when it is there already. */
export async function createJson(file: string, value: unknown): Promise<boolean> {
  const temporary = await writeBeside(file, value)
  try {
    await link(temporary, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(dirname(file))
  return true
}

/** undefined where there is no such file. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** In one step, and for good; where something is there already it throws. */
export async function moveFolder(from: JobFolder, to: JobFolder): Promise<void> {
  await mkdir(dirname(to.path), { recursive: true })
  await rename(from.path, to.path)
  for (const folder of [dirname(to.path), dirname(dirname(to.path))]) await syncFolder(folder)
}

export async function makeFolders({ path, tree, home, temporary }: JobFolder): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const folders = [tree.inputConfig, join(tree.inputData, 'code'), tree.model, tree.outputData]
  for (const folder of [...folders, tree.checkpoints, home, temporary])
    await mkdir(folder, { recursive: true })
  // Were these names lost with the power, the claim would be, and the job would run twice.
  for (const folder of [path, dirname(path), dirname(dirname(path))]) await syncFolder(folder)
}

async function writeBeside(file: string, value: unknown): Promise<string> {
  const temporary = `${file}.${randomUUID()}`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(JSON.stringify(value))
    await handle.datasync()
  } finally {
    await handle.close()
  }
  return temporary
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

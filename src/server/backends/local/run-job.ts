/** One run of a job's runtime: its start, its stop when that is asked for, and its end when it uses too much. */

import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendSignal } from '../../../system/send-signal.ts'
import { createBuilder } from './builder.ts'
import { type JobFile, type JobFolder, readJson, writeJson } from './job-folder.ts'
import { launch, wallIsDown } from './launch.ts'
import type { Excess } from './limits.ts'
import { createProcessTree, isInNamespace, type ProcessTree } from './process-tree.ts'
import { watchLimits } from './watch-limits.ts'

export interface JobEnd {
  /** 128 + n where signal n ended the runtime. */
  exitCode: number
  stop: Stop | undefined
  excess: Excess | undefined
}

export type Stop = { why: 'asked' } | { why: 'runtime'; seconds: number }

const stopPollMilliseconds = 200
const killPollMilliseconds = 5
/** bwrap's own is 1. */
const firstInside = 2
/** How long programs that multiply are killed one by one before everything is. */
const killMilliseconds = 5000

/** A runtime that has no job yet, and its log. */
export interface Waiting {
  runtime: ChildProcess
  log: FileHandle
}

export async function runJob(folder: JobFolder, waiting?: Waiting): Promise<JobEnd> {
  const job = await readJson<JobFile>(folder.job)
  if (!job) throw new Error(`${folder.job} is missing`)
  // The program could read it: it holds what environments are built with, such as an index's password.
  await rm(folder.job)
  const log = waiting?.log ?? (await open(folder.log, 'a', 0o600))
  const runtime = waiting?.runtime ?? launch(job, folder, log)
  const builder = createBuilder(job, folder, log, runtime)
  const groups = new Set(runtime.pid ? [runtime.pid] : [])
  let announced: Promise<void> = Promise.resolve()
  runtime.on('message', ({ programGroup }: { programGroup?: number }) => {
    if (!programGroup) return
    builder.refuse()
    // Behind a wall it is another process of that number that would be killed.
    if (!job.wall) groups.add(programGroup)
    announced = writeJson(folder.program, { group: programGroup, at: new Date().toISOString() })
  })
  const exited = exitOf(runtime, log)
  if (waiting) runtime.send({ environment: job.environment }, () => {})
  const ended = new AbortController()
  const { signal } = ended
  const endWithin = async (seconds: number) => {
    await sleepUntil(seconds * 1000, signal)
    if (!signal.aborted) kill(groups)
  }
  const tree = createProcessTree(() => [runtime.pid, builder.pid()])
  const stop = awaitStop(folder, job, signal).then(async why => {
    if (signal.aborted) return why
    // At once: a wall that is never finished has no runtime to tell.
    await Promise.all([terminate(runtime, job, signal), endWithin(job.stopGraceSeconds)])
    return why
  })
  const excess = awaitExcess(folder, job, tree, signal).then(async excess => {
    if (!excess) return undefined
    // Where the disk is full, the exit file alone says so.
    await log.write(`mlflow-jobs: ${excess.message}\n`).catch(() => {})
    // The runtime sees its program end, and saves what there is.
    if (await endPrograms(tree, runtime.pid ?? 0, signal)) await endWithin(job.stopGraceSeconds)
    else kill(groups)
    return excess
  })
  const exitCode = await exited
  ended.abort()
  kill(groups)
  for (const { pid } of tree.list()) sendSignal(pid, 'SIGKILL')
  await Promise.all([wallIsDown(runtime), builder.end()])
  await announced
  const end = { exitCode, stop: await stop, excess: await excess }
  await log.sync()
  await log.close()
  return end
}

/** bwrap passes no signal on. */
async function terminate(
  runtime: ChildProcess,
  { wall }: JobFile,
  ended: AbortSignal
): Promise<void> {
  if (!wall) return void runtime.kill('SIGTERM')
  const tree = createProcessTree(() => [runtime.pid])
  while (!ended.aborted) {
    const inner = runtimeBehindWall(tree)
    if (inner) return sendSignal(inner.pid, 'SIGTERM')
    await sleepUntil(killPollMilliseconds, ended)
  }
}

/** Of what bwrap started, the first process but its own. */
const runtimeBehindWall = (tree: ProcessTree) =>
  tree.list().find(({ pid }) => isInNamespace(pid, firstInside))

const exitOf = (runtime: ChildProcess, log: FileHandle) =>
  new Promise<number>(resolve => {
    const { exitCode, signalCode } = runtime
    if (exitCode !== null || signalCode !== null) return resolve(numberOf(exitCode, signalCode))
    runtime.once('error', error => {
      void log
        .write(`The runtime could not be started: ${error.message}\n`)
        .then(() => resolve(127))
    })
    runtime.once('exit', (code, signal) => resolve(numberOf(code, signal)))
  })

const numberOf = (code: number | null, signal: NodeJS.Signals | null) =>
  code ?? 128 + (signal ? constants.signals[signal] : 0)

/** Why the job is to be stopped: as SageMaker does, by SIGTERM, and SIGKILL when its time is over. */
async function awaitStop(
  folder: JobFolder,
  { maxRuntimeSeconds: seconds }: JobFile,
  ended: AbortSignal
): Promise<Stop | undefined> {
  const begun = performance.now()
  while (!existsSync(folder.stop)) {
    if (ended.aborted) return undefined
    if (seconds !== undefined && performance.now() - begun > seconds * 1000)
      return { why: 'runtime', seconds }
    await sleepUntil(stopPollMilliseconds, ended)
  }
  return { why: 'asked' }
}

const awaitExcess = async (
  folder: JobFolder,
  { limits }: JobFile,
  tree: ProcessTree,
  ended: AbortSignal
) => (limits ? await watchLimits(folder, limits, tree, ended) : undefined)

/**
 * Kills all that is not of the runtime's own group. Answers false where there is no such thing, or ever more of it. They are
 * stopped first: a process whose parent was killed meanwhile would not be found any more.
 */
async function endPrograms(tree: ProcessTree, own: number, ended: AbortSignal): Promise<boolean> {
  const until = performance.now() + killMilliseconds
  const runtimes = createProcessTree(() => [own])
  const stopped = new Set<number>()
  for (let killed = false; !ended.aborted; ) {
    const inner = runtimeBehindWall(runtimes)?.group
    const programs = tree.list().filter(({ group }) => group !== own && group !== inner)
    if (programs.length === 0) return killed
    if (performance.now() > until) return false
    const fresh = programs.filter(({ pid }) => !stopped.has(pid))
    for (const { pid } of fresh) {
      sendSignal(pid, 'SIGSTOP')
      stopped.add(pid)
    }
    if (fresh.length > 0) continue
    for (const { pid } of programs) sendSignal(pid, 'SIGKILL')
    killed = true
    await sleepUntil(killPollMilliseconds, ended)
  }
  return true
}

async function sleepUntil(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {})
}

/** Ends whatever is left of these process groups. */
function kill(groups: Set<number>): void {
  for (const group of groups) sendSignal(-group, 'SIGKILL')
}

/**
 * The supervisor of one local job: what Amazon SageMaker is to a training container. It outlives the service, takes
 * the job (once, whoever else tries), runs the runtime, stops it when asked to, packs what it left, and says how it
 * ended. Started as `node supervise.ts FOLDER`.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readdir, rm } from 'node:fs/promises'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { create } from 'tar'
import { type Lock, tryLock } from '../../../system/lock.ts'
import {
  createJson,
  type ExitFile,
  type JobFile,
  type JobFolder,
  jobFolder,
  readJson,
  writeJson
} from './job-folder.ts'

const stopPollMilliseconds = 200
const lockTries = 50

// A stop comes by the file, never by a signal; a Ctrl-C meant for the service is not meant for its jobs.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

await supervise(jobFolder(process.argv[2] ?? '.'))

async function supervise(folder: JobFolder): Promise<void> {
  const lock = await takeLock(folder)
  if (!lock) return
  const startedAt = new Date().toISOString()
  if (!(await createJson(folder.claim, { pid: process.pid, at: startedAt }))) return lock.release()
  const { exitCode, stop } = await run(folder)
  const problem = await pack(folder).then(
    () => undefined,
    error => `What the job left could not be packed: ${(error as Error).message}`
  )
  const ended: ExitFile = {
    exitCode,
    stopped: stop?.why === 'asked' && exitCode !== 0,
    startedAt,
    endedAt: new Date().toISOString(),
    ...(stop?.why === 'runtime' && exitCode !== 0 ? { maxRuntimeSeconds: stop.seconds } : {}),
    ...(problem ? { problem } : {})
  }
  await writeJson(folder.exit, ended)
  lock.release()
}

/** The service probes the lock for a moment now and then, so one refusal means nothing. */
async function takeLock(folder: JobFolder): Promise<Lock | undefined> {
  for (let tries = 0; tries < lockTries; tries++) {
    const lock = tryLock(folder.lock)
    if (lock) return lock
    if (existsSync(folder.claim)) return undefined
    await sleep(20)
  }
  return undefined
}

type Stop = { why: 'asked' } | { why: 'runtime'; seconds: number }

async function run(folder: JobFolder): Promise<{ exitCode: number; stop: Stop | undefined }> {
  const job = await readJson<JobFile>(folder.job)
  if (!job) throw new Error(`${folder.job} is missing`)
  // The program could read it: it holds what environments are built with, such as an index's password.
  await rm(folder.job)
  const log = await open(folder.log, 'a', 0o600)
  const runtime = spawn(job.command, job.arguments, {
    cwd: folder.tree.base,
    env: job.environment,
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'ipc']
  })
  const groups = new Set<number>()
  if (runtime.pid) groups.add(runtime.pid)
  let announced: Promise<void> = Promise.resolve()
  runtime.on('message', ({ programGroup }: { programGroup?: number }) => {
    if (!programGroup) return
    groups.add(programGroup)
    announced = writeJson(folder.program, { group: programGroup, at: new Date().toISOString() })
  })
  const exited = new Promise<number>(resolve => {
    runtime.once('error', error => {
      void log
        .write(`The runtime could not be started: ${error.message}\n`)
        .then(() => resolve(127))
    })
    runtime.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))
    )
  })
  const stopping = new AbortController()
  const stop = awaitStop(folder, job, stopping.signal).then(async why => {
    if (stopping.signal.aborted) return why
    runtime.kill('SIGTERM')
    await sleepUntil(job.stopGraceSeconds * 1000, stopping.signal)
    if (!stopping.signal.aborted) kill(groups)
    return why
  })
  const exitCode = await exited
  stopping.abort()
  kill(groups)
  await announced
  await log.sync()
  await log.close()
  return { exitCode, stop: await stop }
}

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

async function sleepUntil(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {})
}

/** Ends whatever is left of these process groups; macOS answers EPERM for a group of zombies. */
function kill(groups: Set<number>): void {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL')
    } catch (error) {
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

/** model.tar.gz and output.tar.gz as SageMaker makes them; an empty folder leaves no archive, nor does one that fails. */
async function pack({ tree, modelArchive, outputArchive }: JobFolder): Promise<void> {
  const packed = await Promise.allSettled([
    packFolder(tree.model, modelArchive),
    packFolder(tree.outputData, outputArchive)
  ])
  for (const each of packed) if (each.status === 'rejected') throw each.reason
}

async function packFolder(folder: string, file: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  if (names.length === 0) return
  try {
    // "./" keeps a name that begins with @ from being read as an archive to include.
    const paths = names.map(name => `./${name}`)
    await create({ cwd: folder, file, gzip: { level: 1 }, portable: true }, paths)
    await sync(file)
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}

/** exit.json promises that the archives are whole, after a crash of the machine as well. */
async function sync(file: string): Promise<void> {
  const handle = await open(file)
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/**
 * The supervisor of one local job: what Amazon SageMaker is to a training container. It outlives the service, takes
 * the job (once, whoever else tries), runs the runtime, stops it when asked to, packs what it left, and says how it
 * ended. Started as `node supervise.ts FOLDER`; with an IPC channel it waits for a job, its runtime with it (stand-by.ts).
 */
import { existsSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lock, tryLock } from '../../../system/lock.ts'
import { sendSignal } from '../../../system/send-signal.ts'
import {
  createJson,
  type ExitFile,
  type JobFile,
  type JobFolder,
  jobFolder,
  readJson,
  writeJson
} from './job-folder.ts'
import { launch, wallIsDown } from './launch.ts'
import { packOutputs } from './pack-outputs.ts'
import { runJob, type Waiting } from './run-job.ts'
import type { SupervisorMessage } from './standbys.ts'

const lockTries = 50

// A stop comes by the file, never by a signal; a Ctrl-C meant for the service is not meant for its jobs.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Nobody else is to read what a job writes.
process.umask(0o077)

const folder = jobFolder(process.argv[2] ?? '.')
// Also where that has been closed meanwhile.
await (process.send ? standBy(folder) : supervise(folder))
// A process that got away may hold the channel to the runtime open.
process.exit()

async function supervise(folder: JobFolder, waiting?: Waiting): Promise<void> {
  const lock = await takeLock(folder)
  if (!lock) return waiting && leave(waiting)
  const startedAt = new Date().toISOString()
  if (!(await createJson(folder.claim, { pid: process.pid, at: startedAt }))) {
    lock.release()
    return waiting && leave(waiting)
  }
  const { exitCode, stop, excess } = await runJob(folder, waiting)
  // What is packed needs room, too.
  if (excess?.kind === 'capacity') await rm(folder.temporary, { recursive: true, force: true })
  const problem = await packOutputs(folder).then(
    () => undefined,
    error => `What the job left could not be packed: ${(error as Error).message}`
  )
  const failed = exitCode !== 0
  const ended: ExitFile = {
    exitCode,
    stopped: stop?.why === 'asked' && failed && !excess,
    startedAt,
    endedAt: new Date().toISOString(),
    ...(stop?.why === 'runtime' && failed && !excess ? { maxRuntimeSeconds: stop.seconds } : {}),
    ...(excess && failed ? { excess } : {}),
    ...(problem ? { problem } : {})
  }
  await writeJson(folder.exit, ended)
  lock.release()
}

/** The folder is moved to the job's own place before the service says where that is. */
async function standBy(folder: JobFolder): Promise<void> {
  const launched = await readJson<JobFile>(folder.job)
  if (!launched) throw new Error(`${folder.job} is missing`)
  const log = await open(folder.log, 'a', 0o600)
  const waiting = { runtime: launch(launched, folder, log), log }
  const place = await new Promise<string | undefined>(resolve => {
    process.once('message', ({ folder }: SupervisorMessage) => resolve(folder))
    process.once('disconnect', () => resolve(undefined))
    waiting.runtime.once('message', () => process.send?.({ waiting: true }))
    waiting.runtime.once('exit', () => resolve(undefined))
    waiting.runtime.once('error', () => resolve(undefined))
    if (!process.connected) resolve(undefined)
  })
  if (process.connected) process.disconnect()
  if (place !== undefined) return supervise(jobFolder(place), waiting)
  await leave(waiting)
  await rm(folder.path, { recursive: true, force: true })
}

async function leave({ runtime }: Waiting): Promise<void> {
  if (runtime.pid) sendSignal(-runtime.pid, 'SIGKILL')
  await wallIsDown(runtime)
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

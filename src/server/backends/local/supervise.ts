/**
 * The supervisor of one local job: what Amazon SageMaker is to a training container. It outlives the service, takes
 * the job (once, whoever else tries), runs the runtime, stops it when asked to, packs what it left, and says how it
 * ended. Started as `node supervise.ts FOLDER`.
 */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lock, tryLock } from '../../../system/lock.ts'
import { createJson, type ExitFile, type JobFolder, jobFolder, writeJson } from './job-folder.ts'
import { packOutputs } from './pack-outputs.ts'
import { runJob } from './run-job.ts'

const lockTries = 50

// A stop comes by the file, never by a signal; a Ctrl-C meant for the service is not meant for its jobs.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Nobody else is to read what a job writes.
process.umask(0o077)

await supervise(jobFolder(process.argv[2] ?? '.'))
// A process that got away may hold the channel to the runtime open.
process.exit()

async function supervise(folder: JobFolder): Promise<void> {
  const lock = await takeLock(folder)
  if (!lock) return
  const startedAt = new Date().toISOString()
  if (!(await createJson(folder.claim, { pid: process.pid, at: startedAt }))) return lock.release()
  const { exitCode, stop, excess } = await runJob(folder)
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

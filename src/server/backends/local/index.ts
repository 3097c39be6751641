/**
 * The local backend: each job is a process on this machine, over a folder in the shape of /opt/ml, that outlives the
 * service. What is true of a job lies in its folder (job-folder.ts); this process remembers nothing that it could lose.
 */
import { spawn } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { codeChannel } from '../../../contract/container.ts'
import { type Failure, type RunReport, runReportFile } from '../../../contract/run-report.ts'
import { tryLock } from '../../../system/lock.ts'
import { logKey, modelKey, outputKey } from '../../storage/index.ts'
import type { Backend, BackendJob, LogSource, Observation, StartOutcome } from '../index.ts'
import {
  createJson,
  type ExitFile,
  type JobFile,
  type JobFolder,
  jobFolder,
  makeFolders,
  readJson,
  writeJson
} from './job-folder.ts'

/** What jobs need on this machine; ready when `pending` answers null. */
export interface Facilities {
  open(): void
  pending(): string | null
  /** The interpreter that has mlflow, and the tracking server; undefined while pending. */
  current(): { python: string; bin: string; trackingUri: string } | undefined
  trackingUri(): string | null
  onReady(listener: () => void): void
  close(options: { keepServer: boolean }): Promise<void>
}

export interface LocalOptions {
  /** DATA_DIR */
  folder: string
  slots: number
  stopGraceSeconds: number
  facilities: Facilities
  /** What every job sees of the service's environment: PATH, locale, time zone. */
  jobEnvironment: Record<string, string>
  /** What only the building of environments sees, such as PIP_INDEX_URL. */
  buildEnvironment: Record<string, string>
}

const runtimeMain = join(import.meta.dirname, '../../../runtime/main.ts')
const superviseMain = join(import.meta.dirname, 'supervise.ts')

export function createLocal(options: LocalOptions): Backend {
  const { folder, slots, facilities } = options
  /** Jobs that hold a slot; made anew from the folders after a restart, by `observe`. */
  const active = new Set<string>()
  /** Supervisors started by this process that have not ended. */
  const supervisors = new Set<string>()
  const listeners: (() => void)[] = []
  const changed = () => {
    for (const listener of listeners) listener()
  }
  facilities.onReady(changed)
  const folderOf = (id: string) => jobFolder(join(folder, 'jobs', id, 'local'))

  return {
    name: 'local',
    open: facilities.open,
    pending: facilities.pending,
    trackingUri: facilities.trackingUri,
    onChange: listener => void listeners.push(listener),
    close: facilities.close,

    async start(job) {
      const place = folderOf(job.id)
      if (existsSync(place.claim) || supervisors.has(job.id)) return { outcome: 'started' }
      const ready = facilities.current()
      if (!ready) return later(facilities.pending() ?? 'The local backend is being prepared.')
      if (!active.has(job.id) && active.size >= slots) return later(noSlot(slots))
      active.add(job.id)
      try {
        await writeFolder(place, job, environmentOf(place, job, ready, options), options)
      } catch (error) {
        active.delete(job.id)
        throw error
      }
      const supervisor = await startSupervisor(place)
      supervisors.add(job.id)
      supervisor.once('exit', () => {
        supervisors.delete(job.id)
        changed()
      })
      return { outcome: 'started' }
    },

    async observe(ids) {
      const seen = new Map<string, Observation>()
      for (const id of ids) {
        const observation = await observe(id, folderOf(id), supervisors.has(id))
        if (observation) seen.set(id, observation)
        if (observation && observation.state !== 'ended') active.add(id)
        else if (!supervisors.has(id)) active.delete(id)
      }
      return seen
    },

    async stop(id) {
      const place = folderOf(id)
      await makeFolders(place)
      if (await createJson(place.claim, { stoppedBeforeStart: true })) {
        const endedAt = new Date().toISOString()
        await writeJson(place.exit, { exitCode: 143, stopped: true, startedAt: null, endedAt })
        changed()
      } else await writeFile(place.stop, '')
    },

    async log(id) {
      const { log } = folderOf(id)
      return existsSync(log) ? logSource(log) : undefined
    },

    async forget(id) {
      active.delete(id)
      await rm(folderOf(id).path, { recursive: true, force: true })
    },

    async kept() {
      const ids = await readdir(join(folder, 'jobs')).catch(() => [])
      return ids.filter(id => existsSync(folderOf(id).path))
    }
  }
}

const later = (reason: string): StartOutcome => ({ outcome: 'later', reason })

const noSlot = (slots: number) =>
  `Waiting for a slot: ${slots === 1 ? 'the only one is' : `all ${slots} are`} in use.`

/** Files are replaced, never removed: a supervisor that an earlier service started may be about to read them. */
async function writeFolder(
  place: JobFolder,
  job: BackendJob,
  environment: Record<string, string>,
  { stopGraceSeconds }: LocalOptions
): Promise<void> {
  await makeFolders(place)
  const archive = join(place.tree.inputData, codeChannel, 'project.tar.gz')
  await pipeline(await job.openProject(), createWriteStream(`${archive}.part`))
  await rename(`${archive}.part`, archive)
  const host = 'algo-1'
  await writeJson(place.tree.hyperparameters, job.hyperparameters)
  await writeJson(place.tree.resourceConfig, {
    current_host: host,
    hosts: [host],
    network_interface_name: 'lo'
  })
  await writeJson(place.tree.inputDataConfig, { [codeChannel]: { TrainingInputMode: 'File' } })
  const file: JobFile = {
    command: process.execPath,
    arguments: [runtimeMain, 'train'],
    environment,
    stopGraceSeconds
  }
  await writeJson(place.job, file)
}

/** A job's environment is built from nothing: the service's own, with its secrets, never reaches a job. */
function environmentOf(
  place: JobFolder,
  job: BackendJob,
  { python, bin, trackingUri }: { python: string; bin: string; trackingUri: string },
  { folder, jobEnvironment, buildEnvironment, stopGraceSeconds }: LocalOptions
): Record<string, string> {
  const build = {
    UV_CACHE_DIR: join(folder, 'cache', 'uv'),
    UV_PYTHON_INSTALL_DIR: join(folder, 'pythons'),
    ...buildEnvironment
  }
  return {
    LANG: 'C.UTF-8',
    ...jobEnvironment,
    ...build,
    PATH: [bin, jobEnvironment['PATH']].filter(Boolean).join(delimiter),
    HOME: place.home,
    TMPDIR: place.temporary,
    PYTHONUNBUFFERED: '1',
    MLFLOW_TRACKING_URI: trackingUri,
    ...job.environment,
    SAGEMAKER_BASE_DIR: place.tree.base,
    TRAINING_JOB_NAME: job.id,
    MLFLOW_JOBS_PYTHON: python,
    MLFLOW_JOBS_ENVIRONMENTS: join(folder, 'environments'),
    MLFLOW_JOBS_BUILD_ONLY: Object.keys(build).join(','),
    MLFLOW_JOBS_STOP_GRACE_SECONDS: String(Math.max(1, stopGraceSeconds - 20))
  }
}

async function startSupervisor(place: JobFolder) {
  const errors = await open(join(place.path, 'supervisor.log'), 'a')
  try {
    const supervisor = spawn(process.execPath, [superviseMain, place.path], {
      detached: true,
      env: {},
      stdio: ['ignore', errors.fd, errors.fd]
    })
    await new Promise((resolve, reject) => supervisor.once('spawn', resolve).once('error', reject))
    supervisor.unref()
    return supervisor
  } finally {
    await errors.close()
  }
}

async function observe(
  id: string,
  place: JobFolder,
  supervised: boolean
): Promise<Observation | undefined> {
  const exit = await readJson<ExitFile>(place.exit)
  if (exit) return ended(id, place, exit)
  const claim = await readJson<{ at: string }>(place.claim)
  if (!claim) return supervised ? { state: 'starting', status: 'Starting' } : undefined
  if (!isAlive(place)) {
    const late = await readJson<ExitFile>(place.exit)
    return late ? ended(id, place, late) : await lost(id, place, claim)
  }
  const program = await readJson<{ at: string }>(place.program)
  const report = await readReport(place)
  const stopping = existsSync(place.stop)
  const observation: Observation = {
    state: stopping ? 'stopping' : program ? 'running' : 'starting',
    status: stopping ? 'Stopping' : program ? 'Training' : 'Starting',
    startedAt: claim.at
  }
  if (!program && !stopping)
    observation.reason = 'Unpacking the project and preparing its environment.'
  if (report?.run) observation.run = report.run
  return observation
}

/** The lock is the supervisor's for as long as it lives: who can take it knows that it is dead. */
function isAlive(place: JobFolder): boolean {
  const lock = tryLock(place.lock)
  lock?.release()
  return !lock
}

function ended(id: string, place: JobFolder, exit: ExitFile): Observation {
  const observation: Observation = {
    state: 'ended',
    status: exit.stopped ? 'Stopped' : exit.exitCode === 0 ? 'Completed' : 'Failed',
    endedAt: exit.endedAt,
    stopped: exit.stopped,
    exitCode: exit.exitCode,
    outputs: [
      { key: modelKey(id), file: place.modelArchive },
      { key: outputKey(id), file: place.outputArchive },
      { key: logKey(id), file: place.log }
    ].filter(({ file }) => existsSync(file))
  }
  if (exit.startedAt) observation.startedAt = exit.startedAt
  return observation
}

/** The supervisor was killed, or the machine went down. The job is not run again: it may have had effects. */
async function lost(id: string, place: JobFolder, claim: { at: string }): Promise<Observation> {
  const said = await readFile(join(place.path, 'supervisor.log'), 'utf8').catch(() => '')
  const failure: Failure = {
    kind: 'platform',
    type: null,
    message: `The job's processes were ended from outside (a restart of the machine, or a kill); it is not run again, since it may have had effects.${said.trim() && ` Its supervisor said: ${said.trim().slice(-500)}`}`,
    file: null,
    line: null,
    traceback: null,
    exitCode: null
  }
  const observation: Observation = {
    state: 'ended',
    status: 'Failed',
    startedAt: claim.at,
    endedAt: new Date().toISOString(),
    failure,
    outputs: existsSync(place.log) ? [{ key: logKey(id), file: place.log }] : []
  }
  const report = await readReport(place)
  if (report?.run) observation.run = report.run
  return observation
}

const readReport = (place: JobFolder) =>
  readJson<RunReport>(join(place.tree.outputData, runReportFile))

function logSource(file: string): LogSource {
  return {
    async sizeBytes() {
      const handle = await open(file)
      try {
        return (await handle.stat()).size
      } finally {
        await handle.close()
      }
    },
    async read(offset, limit) {
      const handle = await open(file)
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(limit), 0, limit, offset)
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    }
  }
}

/**
 * The local backend: each job is a process on this machine, over a folder in the shape of /opt/ml, that outlives the
 * service. What is true of a job lies in its folder (job-folder.ts); this process remembers nothing that it could lose.
 */
import { existsSync } from 'node:fs'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { createPaths } from '../../paths.ts'
import { defaultTenant } from '../../tenant.ts'
import type { Backend, BackendJob, Observation, StartOutcome } from '../index.ts'
import { openLogFile } from '../log-file.ts'
import { checkJob } from './check-job.ts'
import { cacheVariables, supervisorCache } from './compile-cache.ts'
import type { EnvironmentSweeper } from './environment-sweeper.ts'
import { locateInputs } from './input-data.ts'
import { type Claim, createJson, jobFolder, makeFolders, moveFolder } from './job-folder.ts'
import { planResources } from './limits.ts'
import { createLiveReports } from './live-reports.ts'
import { observeJob } from './observe-job.ts'
import { type Given, type JobSettings, planLaunch, type Tools } from './plan-launch.ts'
import { locateSecretFiles } from './secret-files.ts'
import type { Standbys, SupervisorMessage } from './standbys.ts'
import { startSupervisor } from './start-supervisor.ts'
import { writeFolder } from './write-folder.ts'

/** What jobs need on this machine; ready when `pending` answers null. */
export interface Facilities {
  open(): void
  pending(): string | null
  /** The interpreter that has mlflow, and the tracking server; undefined while pending. */
  current(): Tools | undefined
  trackingUri(): string | null
  onReady(listener: () => void): void
  close(options: { keepServer: boolean }): Promise<void>
}

export interface LocalOptions extends JobSettings {
  slots: number
  facilities: Facilities
  /** Without it every job begins when it is started. */
  standbys?: Standbys
  /** Without it environments are kept for ever. */
  environmentSweeper?: EnvironmentSweeper
}

/** The import of MLflow takes a core for more than a second, which a job that begins, and is short, can use better. */
const standbyPauseMilliseconds = 2000

export function createLocal(options: LocalOptions): Backend {
  const { folder, slots, facilities, standbys, environmentSweeper } = options
  /** Jobs that hold a slot; made anew from the folders after a restart, by `observe`. */
  const active = new Set<string>()
  /** Supervisors started by this process that have not ended. */
  const supervisors = new Set<string>()
  const listeners: (() => void)[] = []
  const changed = () => {
    for (const listener of listeners) listener()
  }
  facilities.onReady(changed)
  facilities.onReady(() => prepareNext(defaultTenant))
  const reports = createLiveReports()
  const folderOf = (id: string) => jobFolder(join(folder, 'jobs', id, 'local'))

  async function locate(job: BackendJob) {
    const paths = createPaths()
    const secrets = await locateSecretFiles(job, options, paths)
    if ('outcome' in secrets) return secrets
    const inputs = await locateInputs(job, options, paths)
    return 'outcome' in inputs ? inputs : { secrets, inputs }
  }

  async function begin(job: BackendJob, given: Given) {
    const place = folderOf(job.id)
    const start = { job, given, place }
    const taken = existsSync(place.path) ? undefined : await standbys?.take(start)
    if (!taken) {
      await writeFolder(place, job, await planLaunch(start, options), given)
      return startSupervisor(place, {
        variables: cacheVariables(supervisorCache(folder), given.wall)
      })
    }
    const { standby, file } = taken
    try {
      await writeFolder(standby.folder, job, file, given)
      await moveFolder(standby.folder, place)
    } catch (error) {
      await standby.end()
      throw error
    }
    const message: SupervisorMessage = { folder: place.path }
    standby.supervisor.send(message, () => {})
    return standby.supervisor
  }

  function prepareNext(tenant: string, pauseMilliseconds?: number): void {
    const tools = facilities.current()
    if (tools) standbys?.prepare(tenant, tools, pauseMilliseconds)
  }

  return {
    name: 'local',
    open() {
      facilities.open()
      environmentSweeper?.open()
    },
    rest: async () => {},
    pending: facilities.pending,
    trackingUri: facilities.trackingUri,
    onChange: listener => void listeners.push(listener),
    async close(how) {
      await Promise.all([facilities.close(how), standbys?.close(), environmentSweeper?.close()])
    },
    check: (job, paths) => checkJob(job, options, paths),
    plan: resources => planResources(resources, options.limits),
    queueOf: () => '',

    async start(job) {
      const place = folderOf(job.id)
      if (existsSync(place.claim) || supervisors.has(job.id)) return { outcome: 'started' }
      const ready = facilities.current()
      if (!ready) return later(facilities.pending() ?? 'The local backend is being prepared.')
      if (!active.has(job.id) && active.size >= slots) return later(noSlot(slots))
      active.add(job.id)
      try {
        const found = await locate(job)
        if ('outcome' in found) {
          active.delete(job.id)
          return found
        }
        const supervisor = await begin(job, { ...ready, ...found })
        prepareNext(job.tenant, standbyPauseMilliseconds)
        supervisors.add(job.id)
        supervisor.once('exit', () => {
          supervisors.delete(job.id)
          changed()
        })
        return { outcome: 'started' }
      } catch (error) {
        active.delete(job.id)
        throw error
      }
    },

    async observe(ids) {
      const seen = new Map<string, Observation>()
      for (const id of ids) {
        const place = folderOf(id)
        const observation = await observeJob(id, place, {
          supervised: supervisors.has(id),
          report: () => reports.read(id, place)
        }).catch(unclear)
        if (observation) seen.set(id, observation)
        if (observation && observation.state !== 'ended') active.add(id)
        else if (!supervisors.has(id)) active.delete(id)
      }
      return seen
    },

    async stop(id) {
      const place = folderOf(id)
      await makeFolders(place)
      const claim: Claim = { at: new Date().toISOString(), stoppedBeforeStart: true }
      if (await createJson(place.claim, claim)) changed()
      else await writeFile(place.stop, '')
    },

    log: id => openLogFile(folderOf(id).log),

    async forget(id) {
      active.delete(id)
      reports.forget(id)
      const { path } = folderOf(id)
      await rm(path, { recursive: true, force: true }).catch(async () => {
        // A program may leave folders that nobody may write.
        await execa('chmod', ['-R', 'u+rwX', path])
        await rm(path, { recursive: true, force: true })
      })
    },

    async kept() {
      const ids = await readdir(join(folder, 'jobs')).catch(() => [])
      return ids.filter(id => existsSync(folderOf(id).path))
    }
  }
}

/** One folder that cannot be read must not hide the other jobs. */
const unclear = (error: Error): Observation => ({
  state: 'unclear',
  status: 'Unknown',
  reason: `Its folder cannot be read: ${error.message}`
})

const later = (reason: string): StartOutcome => ({ outcome: 'later', reason })

const noSlot = (slots: number) =>
  `Waiting for a slot: ${slots === 1 ? 'the only one is' : `all ${slots} are`} in use.`

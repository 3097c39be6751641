/**
 * Supervisors that have no job yet, whose runtimes have imported MLflow already. One is taken by a job that would stand behind
 * the same wall, word for word, and by no second one.
 */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { BackendJob } from '../index.ts'
import { cacheVariables, supervisorCache } from './compile-cache.ts'
import { type JobFile, type JobFolder, jobFolder, makeFolders, writeJson } from './job-folder.ts'
import { planResources } from './limits.ts'
import { type JobSettings, planLaunch, type Start, type Tools } from './plan-launch.ts'
import { startSupervisor } from './start-supervisor.ts'
import { giveToWall } from './write-folder.ts'

/** What a supervisor is told: where its folder is now, with the job in it. */
export interface SupervisorMessage {
  folder: string
}

export interface Standby {
  /** To be filled, and moved. */
  folder: JobFolder
  supervisor: ChildProcess
  /** Nobody else has it. Where it is of no use after all, its processes end. */
  end(): Promise<void>
}

export interface Standbys {
  /** Those of other tenants end. Made in the background, after a pause; what fails is tried again with the next job. */
  prepare(tenant: string, tools: Tools, pauseMilliseconds?: number): void
  /** undefined where none fits. */
  take(job: Start): Promise<{ standby: Standby; file: JobFile } | undefined>
  close(): Promise<void>
}

export interface StandbyOptions {
  /** How many; undefined: one where there is memory. */
  count: number | undefined
  /** For folders that nobody needs after a restart; on the disk of the data folder. */
  temporary: string
  settings: JobSettings
  onProblem(text: string): void
}

interface Waiting extends Standby {
  tenant: string
  file: JobFile
  /** Its processes have found all that is in its folder, which can be moved now. */
  canMove: boolean
}

/** About ten times of what one takes. */
const enoughBytes = 2 * 1024 ** 3

/** Of what callers may set (jobs/check-environment.ts): what Python, or what MLflow imports, reads when it begins. */
const readEarly = /^(?:PYTHON|LC_|LANG|OTEL_)/

export function createStandbys({
  count,
  temporary,
  settings,
  onProblem
}: StandbyOptions): Standbys {
  const closing = new AbortController()
  let waiting: Waiting[] = []
  let preparing: Promise<void> = Promise.resolve()

  async function fill(tenant: string, tools: Tools): Promise<void> {
    const others = waiting.filter(each => each.tenant !== tenant)
    waiting = waiting.filter(each => each.tenant === tenant && each.supervisor.connected)
    await Promise.all(others.map(each => each.end()))
    const wanted = count ?? (process.availableMemory() >= enoughBytes ? 1 : 0)
    while (!closing.signal.aborted && waiting.length < wanted)
      waiting.push(await start(tenant, tools))
  }

  async function start(tenant: string, tools: Tools): Promise<Waiting> {
    const folder = jobFolder(join(temporary, `standby-${randomUUID()}`))
    await makeFolders(folder)
    const given = { ...tools, secrets: { references: {}, files: [] }, inputs: new Map() }
    const job = nobody(tenant, settings)
    const file = await planLaunch({ place: folder, job, given }, settings)
    if (tools.wall) await giveToWall(folder, tools.wall)
    const [main = ''] = file.arguments
    await writeJson(folder.job, { ...file, arguments: [main, 'standby'] })
    const supervisor = await startSupervisor(folder, {
      variables: cacheVariables(supervisorCache(settings.folder), tools.wall),
      waits: true
    })
    const exited = new Promise(resolve => supervisor.once('exit', resolve))
    const standby: Waiting = {
      folder,
      file,
      tenant,
      supervisor,
      canMove: false,
      async end() {
        supervisor.ref()
        if (supervisor.connected) supervisor.disconnect()
        await exited
        await rm(folder.path, { recursive: true, force: true })
      }
    }
    supervisor.once('message', () => {
      standby.canMove = true
    })
    return standby
  }

  return {
    prepare(tenant, tools, pauseMilliseconds = 0) {
      const begin = () => {
        preparing = preparing
          .then(() => fill(tenant, tools))
          .catch(error => onProblem(`No job could be begun ahead: ${error.message}`))
      }
      sleep(pauseMilliseconds, undefined, { signal: closing.signal, ref: false }).then(
        begin,
        () => {}
      )
    },
    async take(start) {
      const { job } = start
      if (Object.keys(job.environment).some(name => readEarly.test(name))) return undefined
      waiting = waiting.filter(({ supervisor }) => supervisor.connected)
      for (const standby of waiting.filter(({ canMove }) => canMove)) {
        const file = await planLaunch({ ...start, now: standby.folder }, settings)
        if (!isSameStart(file, standby.file) || !waiting.includes(standby)) continue
        waiting = waiting.filter(each => each !== standby)
        return { standby, file }
      }
      return undefined
    },
    async close() {
      closing.abort()
      await preparing
      await Promise.all(waiting.map(each => each.end()))
    }
  }
}

const isSameStart = (one: JobFile, other: JobFile) =>
  isDeepStrictEqual(
    [one.wall, one.limits?.cpus, one.command],
    [other.wall, other.limits?.cpus, other.command]
  )

/** The job that nobody has asked for anything special. */
const nobody = (tenant: string, settings: JobSettings): BackendJob => ({
  id: 'standby',
  tenant,
  hyperparameters: {},
  environment: {},
  secretNames: [],
  markedSecrets: [],
  secretReferences: {},
  tags: {},
  resources: planResources({}, settings.limits),
  inputs: {},
  project: { uri: '', open: () => Promise.reject(new Error('There is no project yet')) },
  outputsUri: '',
  createdAt: new Date().toISOString()
})

/** The whole service put together from its configuration. */
import { existsSync } from 'node:fs'
import { mkdir, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type Lock, tryLock } from '../system/lock.ts'
import { type AppOptions, createApp } from './app.ts'
import type { Backend } from './backends/index.ts'
import { createEnvironmentSweeper } from './backends/local/environment-sweeper.ts'
import { createFacilities } from './backends/local/facilities.ts'
import { createLocal } from './backends/local/index.ts'
import { findSandbox } from './backends/local/sandbox.ts'
import { createStandbys } from './backends/local/standbys.ts'
import { anyOf, type Callers } from './callers/index.ts'
import { openKeyFile } from './callers/key-file.ts'
import { type Config, configError } from './config.ts'
import { createDisk } from './disk.ts'
import { drain } from './http/drain.ts'
import { createJobs } from './jobs/index.ts'
import { watchStore } from './jobs/job-changes.ts'
import { countCalls } from './metrics/count-calls.ts'
import { createMetrics, measureProcess } from './metrics/index.ts'
import { watchLoop } from './metrics/watch-loop.ts'
import { watchService } from './metrics/watch-service.ts'
import { createPlaces } from './places.ts'
import { createFilesystem } from './storage/filesystem.ts'
import type { Storage } from './storage/index.ts'
import type { Store } from './store/index.ts'
import { openSqlite } from './store/node-sqlite.ts'
import { createStore } from './store/sql.ts'
import { withOwn } from './tenant-limits.ts'
import { version } from './version.ts'

export interface Service {
  app: FastifyInstance
  /** Begins to move jobs on. */
  start(): void
  /**
   * Nobody is to send anything more; after the delay (none by default) no connection is taken any more. Open requests end
   * in time or are cut off; then the loop ends. Local jobs go on.
   */
  close(options: { keepServer: boolean; delaySeconds?: number }): Promise<void>
}

const loopIntervalMilliseconds = 500

export async function createService(given: Config, logger: AppOptions['logger']): Promise<Service> {
  let log: FastifyInstance['log'] | undefined
  const say: Voice = {
    progress: text => log?.info(text),
    problem: text => log?.warn(text)
  }
  const keyFile = given.apiKeysFile
    ? await openKeyFile(given.apiKeysFile, { onProblem: say.problem })
    : undefined
  const callers = await createCallers(given, keyFile)
  const limitsOf = (tenant: string) => withOwn(given.tenantLimits, keyFile?.ownLimits(tenant))
  // A wall hides the folder itself: by the name of a link to it everything would still be there.
  const config = { ...given, dataDir: await realFolder(given.dataDir) }
  const folder = join(config.dataDir, 'tmp')
  const lock = await takeDataFolder(config.dataDir, folder)
  const metrics = createMetrics()
  measureProcess(metrics)
  const counted = <Parts extends object>(part: 'store' | 'storage' | 'backend', parts: Parts) =>
    countCalls(parts, part, metrics)
  const storage = counted('storage', await createStorage(config))
  const backend = counted('backend', await createBackend(config, folder, say))
  const store = watchStore(counted('store', await openStore(config, say)))
  const { queuedJobs } = config
  const places = createPlaces(config.open, limitsOf)
  const disk = createDisk(config.dataDir, config.minFreeBytes)
  watchService(metrics, { store, storage, backend, places, disk, queuedJobs })
  const stopping = new AbortController()
  const jobs = createJobs({
    store,
    storage,
    backend,
    limitsOf,
    keep: {
      jobMilliseconds: (config.keepJobsSeconds ?? Infinity) * 1000,
      jobBytes: config.keepJobsBytes ?? Infinity,
      projectMilliseconds: config.keepProjectSeconds * 1000,
      projectBytes: config.keepProjectBytes ?? Infinity
    },
    submit: { folder, room: disk.room, limits: config.limits, queuedJobs },
    loop: {
      folder,
      intervalMilliseconds: loopIntervalMilliseconds,
      log: {
        info: (data, text) => app.log.info(data, text),
        error: (data, text) => app.log.error(data, text)
      },
      watch: watchLoop(metrics)
    }
  })
  const app = await createApp({
    jobs,
    store,
    storage,
    backend,
    folder,
    limits: config.limits,
    callers,
    places,
    disk,
    metrics,
    stopping: stopping.signal,
    connections: config.connections,
    limitsOf,
    unauthenticatedPerMinute: config.unauthenticatedPerMinute,
    trustedProxies: config.trustedProxies,
    slowMilliseconds: config.slowClientSeconds * 1000,
    onlyLocal: !config.allowUnauthenticated && !callers,
    corsOrigins: config.corsOrigins,
    logger
  })
  log = app.log
  return {
    app,
    start: jobs.start,
    async close({ keepServer, delaySeconds = 0 }) {
      stopping.abort()
      app.log.info('the service stops')
      await sleep(delaySeconds * 1000)
      await drain(app, config.closeGraceSeconds * 1000)
      await jobs.close()
      await backend.close({ keepServer })
      await store.close()
      lock.release()
    }
  }
}

// The SDK of AWS and the driver of PostgreSQL take memory and time: they are loaded where they are used.

async function openStore({ databaseUrl, dataDir }: Config, { problem }: Voice): Promise<Store> {
  if (!databaseUrl) return createStore(openSqlite(join(dataDir, 'jobs.db')))
  const { createPostgresStore } = await import('./store/postgres.ts')
  return createPostgresStore({ url: databaseUrl, onProblem: problem })
}

async function createStorage({ s3, dataDir }: Config): Promise<Storage> {
  if (!s3) return createFilesystem(dataDir)
  const { createS3 } = await import('./storage/s3.ts')
  return createS3(s3)
}

/** What is said is said when the app is there: next to nothing happens before. */
interface Voice {
  progress(text: string): void
  problem(text: string): void
}

/** undefined: nobody is asked who they are. */
async function createCallers(
  { oidc }: Config,
  keyFile: Callers | undefined
): Promise<Callers | undefined> {
  const callers = keyFile ? [keyFile] : []
  if (oidc) {
    const { createOidc } = await import('./callers/oidc.ts')
    callers.push(createOidc(oidc))
  }
  return callers.length > 0 ? anyOf(callers) : undefined
}

/** `temporary`: a folder that is emptied when the service starts. */
async function createBackend(config: Config, temporary: string, say: Voice): Promise<Backend> {
  const { sagemaker, dataDir, mlflowTrackingUri, jobEnvironment, buildEnvironment } = config
  if (sagemaker) {
    const { checkSettings } = await import('./backends/sagemaker/check-settings.ts')
    const faults = checkSettings(sagemaker)
    if (faults.length > 0) throw configError(faults)
    const { createClients } = await import('./backends/sagemaker/clients.ts')
    const { createSagemaker } = await import('./backends/sagemaker/index.ts')
    const { createJobLogs } = await import('./backends/sagemaker/logs.ts')
    const clients = createClients(version)
    return createSagemaker({
      settings: sagemaker,
      folder: dataDir,
      trackingUri: mlflowTrackingUri ?? null,
      client: clients.sagemaker,
      shared: config.databaseUrl !== undefined,
      createLogs: (hostsOf, passing) =>
        createJobLogs({
          client: clients.cloudWatchLogs,
          folder: passing ? temporary : dataDir,
          passing,
          hostsOf,
          onProblem: say.problem
        }),
      onProblem: say.problem
    })
  }
  const sandbox = await findSandbox({
    mode: config.localSandbox,
    folder: dataDir,
    temporary,
    readable: config.localReadable,
    writable: config.localWritable,
    user: config.localUser,
    environment: jobEnvironment
  })
  const settings = {
    folder: dataDir,
    limits: config.localLimits,
    secretRoots: config.secretRoots,
    inputRoots: config.inputRoots,
    stopGraceSeconds: config.stopGraceSeconds,
    jobEnvironment,
    buildEnvironment
  }
  return createLocal({
    ...settings,
    slots: config.localSlots,
    standbys: createStandbys({
      count: config.localStandby,
      temporary,
      settings,
      onProblem: say.problem
    }),
    environmentSweeper: createEnvironmentSweeper({
      folder: dataDir,
      milliseconds: config.keepEnvironmentsSeconds * 1000,
      bytes: config.keepEnvironmentsBytes ?? Infinity,
      say: say.progress
    }),
    facilities: createFacilities({
      folder: dataDir,
      python: config.python,
      trackingUri: mlflowTrackingUri,
      buildEnvironment: { ...jobEnvironment, ...buildEnvironment },
      serverEnvironment: jobEnvironment,
      sandbox,
      onProgress: say.progress,
      onProblem: say.problem
    })
  })
}

/** One service a folder; what earlier ones left half-done is swept. */
async function takeDataFolder(dataDir: string, temporary: string): Promise<Lock> {
  return orNotWritable(dataDir, async () => {
    const lock = tryLock(join(dataDir, 'service.lock'))
    if (!lock)
      throw new Error(
        `Another mlflow-jobs service uses ${dataDir}. Stop it, or set DATA_DIR to another folder.`
      )
    await rm(temporary, { recursive: true, force: true })
    await mkdir(temporary, { mode: 0o700 })
    return lock
  })
}

const realFolder = (dataDir: string) =>
  orNotWritable(dataDir, async () => {
    await makeFolder(dataDir)
    return realpath(dataDir)
  })

async function orNotWritable<Result>(dataDir: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code && notWritable.includes(code))
      throw new Error(
        `The data folder ${dataDir} cannot be written (${code}). Make it writable, or set DATA_DIR to another folder.`,
        { cause: error }
      )
    throw error
  }
}

const notWritable = [
  'EACCES',
  'EROFS',
  'EPERM',
  'ENOENT',
  'ENOTDIR',
  'EEXIST',
  'ENAMETOOLONG',
  'ELOOP',
  'ERR_SQLITE_ERROR'
]

/** With its parents; Node's own way to do so never ends where the kernel takes no folder, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
    await makeFolder(dirname(path))
    await makeFolder(path)
  }
}

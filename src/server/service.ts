/** The whole service put together from its configuration. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type AppOptions, createApp } from './app.ts'
import type { Config } from './config.ts'
import { createDisk } from './disk.ts'
import { drain } from './http/drain.ts'
import { createJobs } from './jobs/index.ts'
import { watchStore } from './jobs/job-changes.ts'
import { countCalls } from './metrics/count-calls.ts'
import { createMetrics, measureProcess } from './metrics/index.ts'
import { watchLoop } from './metrics/watch-loop.ts'
import { watchService } from './metrics/watch-service.ts'
import { openCallers } from './parts/callers.ts'
import { takeDataFolder } from './parts/data-folder.ts'
import { openLocal } from './parts/local.ts'
import { openSagemaker } from './parts/sagemaker.ts'
import { createStorage } from './parts/storage.ts'
import { openStore } from './parts/store.ts'
import type { Voice } from './parts/voice.ts'
import { createPlaces } from './places.ts'

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
  const { callers, limitsOf } = await openCallers(given, say)
  const { path: dataDir, temporary: folder, lock } = await takeDataFolder(given.dataDir)
  const config = { ...given, dataDir }
  const metrics = createMetrics()
  measureProcess(metrics)
  const counted = <Parts extends object>(part: 'store' | 'storage' | 'backend', parts: Parts) =>
    countCalls(parts, part, metrics)
  const storage = counted('storage', await createStorage(config))
  const opened = config.sagemaker
    ? await openSagemaker(config.sagemaker, config, folder, say)
    : await openLocal(config, folder, say)
  const backend = counted('backend', opened.backend)
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
    isolation: opened.isolation,
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

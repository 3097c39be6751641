/** The API and the loop over parts of a test's own, in this process; jobs move when the loop is started. */
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type AppOptions, createApp } from '../../src/server/app.ts'
import { createDisk } from '../../src/server/disk.ts'
import { createJobs, type Jobs, type JobsOptions } from '../../src/server/jobs/index.ts'
import { defaultLimits } from '../../src/server/projects/project-limits.ts'
import { appOptions } from './app-options.ts'

export interface Composed {
  app: FastifyInstance
  jobs: Jobs
  /** The parts go on. */
  end(): Promise<void>
}

export interface ComposeOptions {
  limits?: Partial<typeof defaultLimits> & { queuedJobs?: number; tenantQueuedJobs?: number }
  projectMilliseconds?: number
  projectBytes?: number
  intervalMilliseconds?: number
  app?: Partial<AppOptions>
}

/** Temporary files are below `dataDir`, in a folder that is there. */
export async function compose(
  parts: Pick<JobsOptions, 'store' | 'storage' | 'backend'> & { dataDir: string },
  options: ComposeOptions = {}
): Promise<Composed> {
  const { dataDir, store, storage, backend } = parts
  const folder = join(dataDir, 'tmp')
  const { queuedJobs = Infinity, tenantQueuedJobs = Infinity, ...changed } = options.limits ?? {}
  const limits = { ...defaultLimits, ...changed }
  const { projectMilliseconds = 60_000, projectBytes = Infinity } = options
  const { intervalMilliseconds = 5 } = options
  const jobs = createJobs({
    store,
    storage,
    backend,
    limitsOf: () => ({ queuedJobs: tenantQueuedJobs, runningJobs: Infinity }),
    keep: { jobMilliseconds: Infinity, jobBytes: Infinity, projectMilliseconds, projectBytes },
    submit: { folder, room: createDisk(dataDir, 0).room, limits, queuedJobs },
    loop: { folder, intervalMilliseconds, log: { info() {}, error() {} } }
  })
  const app = await createApp({
    jobs,
    store,
    storage,
    backend,
    folder,
    limits,
    ...appOptions(dataDir),
    ...options.app
  })
  return {
    app,
    jobs,
    async end() {
      await app.close()
      await jobs.close()
    }
  }
}

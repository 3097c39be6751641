/** Jobs, as routes see them. */
import { createKeyedLock, type KeyedLock } from '../../system/keyed-lock.ts'
import type { Backend } from '../backends/index.ts'
import { IdempotencyKeyInUse, JobNotFound } from '../errors.ts'
import type { Storage } from '../storage/index.ts'
import type { JobQuery } from '../store/index.ts'
import type { LimitsOf } from '../tenant-limits.ts'
import { deleteJob } from './delete-job.ts'
import type { JobRecord, JobStatus } from './job.ts'
import type { WatchedStore } from './job-changes.ts'
import { type CheckQueue, limitQueue } from './limit-queue.ts'
import { createLoop, type LoopOptions } from './loop.ts'
import { createProjectLock } from './project-lock.ts'
import { createProjects, type Projects } from './projects.ts'
import { createLogReader, type Log, type LogOptions } from './read-log.ts'
import type { ProjectRemoval } from './remove-unused-project.ts'
import { fieldsOf } from './rerun.ts'
import { createResults, type Results } from './results.ts'
import { createStoredProjects, type StoredProjects } from './stored-projects.ts'
import {
  type Accepted,
  type Asked,
  laidOver,
  type Submission,
  takeProjectOut
} from './submission.ts'
import { type SubmitOptions, submitJobs } from './submit-jobs.ts'
import type { SweepOptions } from './sweep.ts'
import { createSweeper } from './sweeper.ts'
import { type TenantStore, tenantStore } from './tenant-store.ts'

export interface Jobs {
  /** Begins to move jobs on. */
  start(): void
  /** The jobs and projects of one tenant: those of others are not there. */
  of(tenant: string): TenantJobs
  close(): Promise<void>
}

export interface TenantJobs extends Results {
  /** What jobs are made of; it needs none of them. */
  projects: Projects

  /**
   * Takes a submission once it is its turn: `read` is called then, for requests with the same key come one after the other.
   * Throws IDEMPOTENCY_KEY_IN_USE where that takes too long, and whatever submitJobs throws.
   */
  submit(read: () => Promise<Submission>, asked: Asked): Promise<Accepted>
  /** A job like this one, with what the submission says laid over it. */
  rerun(id: string, read: () => Promise<Submission>, asked: Asked): Promise<Accepted>
  /** Throws JOB_NOT_FOUND, as all below do. */
  get(id: string): Promise<JobRecord>
  waitFor: TenantStore['waitFor']
  list(query: JobQuery): Promise<JobRecord[]>
  summary(): Promise<Record<JobStatus, number>>
  /** Forgets a job that has ended, and what it left. Throws JOB_NOT_TERMINAL. */
  remove(id: string): Promise<void>
  /** Asks for a graceful stop; nothing happens to a job that has ended. */
  stop(id: string): Promise<JobRecord>
  log(id: string, options: LogOptions): Promise<Log>
}

export interface JobsOptions {
  store: WatchedStore
  storage: Storage
  backend: Backend
  /** `folder`: for temporary files; `room`: on its disk. */
  submit: Pick<SubmitOptions, 'folder' | 'room' | 'limits'> & { queuedJobs: number }
  /** Of single tenants. */
  limitsOf: LimitsOf<'queuedJobs' | 'runningJobs'>
  keep: Pick<SweepOptions, 'jobMilliseconds' | 'jobBytes' | 'projectMilliseconds' | 'projectBytes'>
  loop: Pick<LoopOptions, 'folder' | 'intervalMilliseconds' | 'log' | 'watch'>
}

/** For an upload by another request with the same key. */
const keyMilliseconds = 60_000

export function createJobs({ store, storage, backend, ...options }: JobsOptions): Jobs {
  const removal = { storage, projectLock: createProjectLock(), ...options.keep }
  const sweep = createSweeper({ ...removal, store, log: options.loop.log })
  const { limitsOf } = options
  const { queuedJobs } = options.submit
  const loop = createLoop({ store, storage, backend, sweep, limitsOf, ...options.loop })
  const shared = {
    ...removal,
    backend,
    keyLock: createKeyedLock(),
    storedProjects: createStoredProjects(storage),
    wake: loop.wake,
    checkQueueOf: (tenant: string) => limitQueue(store, { queuedJobs, limitsOf }, tenant),
    submit: options.submit
  }
  const views = new Map<string, TenantJobs>()

  return {
    start() {
      store.onChange({ changed() {}, asked: loop.wake })
      loop.start()
    },

    of(tenant) {
      const view = views.get(tenant) ?? createView(tenant, tenantStore(store, tenant), shared)
      views.set(tenant, view)
      return view
    },

    close: loop.stop
  }
}

type Shared = Pick<JobsOptions, 'storage' | 'backend' | 'submit'> &
  Omit<ProjectRemoval, 'store'> & {
    projectBytes: number
    keyLock: KeyedLock
    storedProjects: StoredProjects
    checkQueueOf(tenant: string): CheckQueue
    wake(): void
  }

function createView(tenant: string, store: TenantStore, shared: Shared): TenantJobs {
  const { storage, backend, keyLock, projectLock, storedProjects, wake } = shared
  const checkQueue = shared.checkQueueOf(tenant)
  const projectOptions = { tenant, storage, projectLock, ...shared.submit }
  const submitOptions = { ...projectOptions, store, backend, checkQueue, storedProjects }

  async function get(id: string): Promise<JobRecord> {
    const job = await store.get(id)
    if (!job) throw new JobNotFound(id)
    return job
  }

  async function submit(read: () => Promise<Submission>, asked: Asked): Promise<Accepted> {
    const { key } = asked
    const act = async () => {
      // Before anything is read, but for what may be a repetition: that is answered as it was the first time.
      if (!key && !asked.dryRun) await checkQueue()
      return submitJobs(await read(), asked, submitOptions)
    }
    const accepted = key
      ? await keyLock.run(JSON.stringify(key), act, {
          milliseconds: keyMilliseconds,
          busy: () => new IdempotencyKeyInUse(key.key)
        })
      : await act()
    if (!asked.dryRun && !accepted.replayed) wake()
    return accepted
  }

  return {
    projects: createProjects({ ...shared, ...projectOptions, store }),
    ...createResults({ get, storage, backend }),
    get,
    waitFor: store.waitFor,
    list: query => store.list(query),
    summary: () => store.summary(),
    submit,

    async rerun(id, read, asked) {
      const earlier = await get(id)
      return submit(
        async () => {
          const { texts, faults } = await read()
          faults.push(...takeProjectOut(texts, '', sameProject))
          return { texts: laidOver(fieldsOf(earlier), texts), faults }
        },
        { ...asked, rerunOf: earlier }
      )
    },

    remove: id => deleteJob(id, { ...shared, store }),

    async stop(id) {
      const job = await store.requestStop(id, new Date().toISOString())
      if (!job) throw new JobNotFound(id)
      wake()
      return job
    },

    log: createLogReader({ store, storage, backend })
  }
}

const sameProject = 'A job is run again with its own project: leave this out, or submit a new job.'

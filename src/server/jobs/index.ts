/** Jobs, as routes see them. */
import { createKeyedLock } from '../../system/keyed-lock.ts'
import type { Backend } from '../backends/index.ts'
import { IdempotencyKeyInUse, JobNotFound } from '../errors.ts'
import type { Storage } from '../storage/index.ts'
import type { JobQuery } from '../store/index.ts'
import { deleteJob } from './delete-job.ts'
import type { JobRecord, JobStatus } from './job.ts'
import type { WatchedStore } from './job-changes.ts'
import { createLoop, type LoopOptions } from './loop.ts'
import { createProjects, type Projects } from './projects.ts'
import { createLogReader, type Log, type LogOptions } from './read-log.ts'
import { fieldsOf } from './rerun.ts'
import { createResults, type Results } from './results.ts'
import {
  type Accepted,
  type Asked,
  laidOver,
  type Submission,
  takeProjectOut
} from './submission.ts'
import { type SubmitOptions, submitJobs } from './submit-jobs.ts'

export interface Jobs extends Results {
  /** What jobs are made of; it needs none of them. */
  projects: Projects

  /** Begins to move jobs on. */
  start(): void
  /**
   * Takes a submission once it is its turn: `read` is called then, for requests with the same key come one after the other.
   * Throws IDEMPOTENCY_KEY_IN_USE where that takes too long, and whatever submitJobs throws.
   */
  submit(read: () => Promise<Submission>, asked: Asked): Promise<Accepted>
  /** A job like this one, with what the submission says laid over it. */
  rerun(id: string, read: () => Promise<Submission>, asked: Asked): Promise<Accepted>
  /** Throws JOB_NOT_FOUND, as all below do. */
  get(id: string): Promise<JobRecord>
  waitFor: WatchedStore['waitFor']
  list(query: JobQuery): Promise<JobRecord[]>
  summary(): Promise<Record<JobStatus, number>>
  /** Forgets a job that has ended, and what it left. Throws JOB_NOT_TERMINAL. */
  remove(id: string): Promise<void>
  /** Asks for a graceful stop; nothing happens to a job that has ended. */
  stop(id: string): Promise<JobRecord>
  log(id: string, options: LogOptions): Promise<Log>
  close(): Promise<void>
}

export interface JobsOptions {
  store: WatchedStore
  storage: Storage
  backend: Backend
  submit: Pick<SubmitOptions, 'folder' | 'limits'>
  /** How old a project must be to go with its last job. */
  projectMilliseconds: number
  loop: Pick<LoopOptions, 'folder' | 'intervalMilliseconds' | 'log'>
}

/** For an upload by another request with the same key. */
const keyMilliseconds = 60_000

export function createJobs({ store, storage, backend, ...options }: JobsOptions): Jobs {
  const readLog = createLogReader({ store, storage, backend })
  const loop = createLoop({ store, storage, backend, ...options.loop })
  const keyLock = createKeyedLock()
  const projectLock = createKeyedLock()
  const submitOptions = { store, storage, backend, projectLock, ...options.submit }

  async function get(id: string): Promise<JobRecord> {
    const job = await store.get(id)
    if (!job) throw new JobNotFound(id)
    return job
  }

  async function submit(read: () => Promise<Submission>, asked: Asked): Promise<Accepted> {
    const act = async () => submitJobs(await read(), asked, submitOptions)
    const { key } = asked
    const accepted = key
      ? await keyLock.run(JSON.stringify(key), act, {
          milliseconds: keyMilliseconds,
          busy: () => new IdempotencyKeyInUse(key.key)
        })
      : await act()
    if (!asked.dryRun && !accepted.replayed) loop.wake()
    return accepted
  }

  return {
    projects: createProjects({ storage, projectLock, ...options.submit }),
    ...createResults({ get, storage, backend }),
    get,
    waitFor: store.waitFor,
    list: query => store.list(query),
    start() {
      backend.open()
      loop.start()
    },

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

    remove: id => deleteJob(id, { store, storage, projectLock, ...options }),

    async stop(id) {
      const job = await store.requestStop(id, new Date().toISOString())
      if (!job) throw new JobNotFound(id)
      loop.wake()
      return job
    },

    log: readLog,

    close: loop.stop
  }
}

const sameProject = 'A job is run again with its own project: leave this out, or submit a new job.'

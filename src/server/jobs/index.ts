/** Jobs, as routes see them. */
import type { RunReport } from '../../contract/run-report.ts'
import type { Backend } from '../backends/index.ts'
import { JobNotFound, ModelNotFound, ModelNotReady } from '../errors.ts'
import { modelKey, reportKey, type Storage, type StoredObject } from '../storage/index.ts'
import type { JobQuery, Store } from '../store/index.ts'
import { isTerminal, type JobRecord } from './job.ts'
import { createLoop, type LoopOptions } from './loop.ts'
import { type LogOptions, readLog } from './read-log.ts'
import { type Submission, type SubmitOptions, submitJob } from './submit-job.ts'

export interface Jobs {
  /** Begins to move jobs on. */
  start(): void
  submit(submission: Submission): Promise<JobRecord>
  /** Throws JOB_NOT_FOUND, as all below do. */
  get(id: string): Promise<JobRecord>
  list(query: JobQuery): Promise<JobRecord[]>
  /** Asks for a graceful stop; nothing happens to a job that has ended. */
  stop(id: string): Promise<JobRecord>
  /** Throws JOB_NOT_FOUND before the first chunk. */
  log(id: string, options: LogOptions): Promise<AsyncGenerator<Buffer>>
  /** undefined as long as there is none. */
  report(id: string): Promise<RunReport | undefined>
  /** Throws MODEL_NOT_READY or MODEL_NOT_FOUND. */
  model(id: string): Promise<{ key: string; object: StoredObject }>
  close(): Promise<void>
}

export interface JobsOptions {
  store: Store
  storage: Storage
  backend: Backend
  submit: Pick<SubmitOptions, 'folder' | 'limits'>
  loop: Pick<LoopOptions, 'folder' | 'intervalMilliseconds' | 'log'>
}

export function createJobs({ store, storage, backend, ...options }: JobsOptions): Jobs {
  const loop = createLoop({ store, storage, backend, ...options.loop })

  async function get(id: string): Promise<JobRecord> {
    const job = await store.get(id)
    if (!job) throw new JobNotFound(id)
    return job
  }

  return {
    get,
    list: query => store.list(query),
    start() {
      backend.open()
      loop.start()
    },

    async submit(submission) {
      const job = await submitJob(submission, {
        store,
        storage,
        backend,
        ...options.submit
      })
      loop.wake()
      return job
    },

    async stop(id) {
      const job = await store.requestStop(id, new Date().toISOString())
      if (!job) throw new JobNotFound(id)
      loop.wake()
      return job
    },

    async log(id, logOptions) {
      await get(id)
      return readLog({ store, storage, backend }, id, logOptions)
    },

    async report(id) {
      await get(id)
      if (!(await storage.stat(reportKey(id)))) return undefined
      const chunks = await (await storage.read(reportKey(id))).toArray()
      return JSON.parse(Buffer.concat(chunks).toString('utf8'))
    },

    async model(id) {
      const job = await get(id)
      if (!isTerminal(job.status)) throw new ModelNotReady(id, job.status)
      const object = await storage.stat(modelKey(id))
      if (!object) throw new ModelNotFound(id)
      return { key: modelKey(id), object }
    },

    close: loop.stop
  }
}

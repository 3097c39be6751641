/** A job that has ended is forgotten: what it left, then its record, then its project if nobody needs that any more. */
import type { KeyedLock } from '../../system/keyed-lock.ts'
import { JobNotFound, JobNotTerminal } from '../errors.ts'
import { jobFolder, projectKey, type Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { isTerminal, type JobRecord } from './job.ts'

export interface DeleteOptions {
  store: Pick<Store, 'get' | 'list' | 'remove'>
  storage: Storage
  projectLock: KeyedLock
  /** Younger ones may be needed by a submission to come. */
  projectMilliseconds: number
}

/** May be called again after a crash at any point of it. Throws JOB_NOT_FOUND or JOB_NOT_TERMINAL. */
export async function deleteJob(id: string, options: DeleteOptions): Promise<void> {
  const { store, storage, projectLock } = options
  const job = await store.get(id)
  if (!job) throw new JobNotFound(id)
  if (!isTerminal(job.status)) throw new JobNotTerminal(id, job.status)
  await storage.remove(jobFolder(id))
  await store.remove(id)
  await projectLock.run(keyOf(job), () => removeUnused(job, options))
}

const keyOf = ({ tenant, project }: JobRecord) => projectKey({ tenant, digest: project.digest })

async function removeUnused(
  job: JobRecord,
  { store, storage, projectMilliseconds }: DeleteOptions
): Promise<void> {
  const key = keyOf(job)
  const found = await storage.stat(key)
  if (!found || Date.now() - found.modifiedAt.getTime() < projectMilliseconds) return
  const { tenant, project } = job
  const [user] = await store.list({ tenant, project: project.digest, limit: 1 })
  if (!user) await storage.remove(key)
}

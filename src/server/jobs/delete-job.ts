/** A job that has ended is forgotten: what it left, then its record, then its project if nobody needs that any more. */
import type { KeyedLock } from '../../system/keyed-lock.ts'
import { JobNotFound, JobNotTerminal } from '../errors.ts'
import { jobFolder, projectKey, type Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { isTerminal } from './job.ts'

export interface DeleteOptions {
  store: Store
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
  const { digest } = job.project
  await projectLock.run(digest, () => removeUnused(digest, options))
}

async function removeUnused(
  digest: string,
  { store, storage, projectMilliseconds }: DeleteOptions
): Promise<void> {
  const found = await storage.stat(projectKey(digest))
  if (!found || Date.now() - found.modifiedAt.getTime() < projectMilliseconds) return
  const [user] = await store.list({ project: digest, limit: 1 })
  if (!user) await storage.remove(projectKey(digest))
}

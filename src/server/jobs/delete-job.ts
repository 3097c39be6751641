/** A job that has ended is forgotten: what it left, then its record, then its project if nobody needs that any more. */
import { JobNotFound, JobNotTerminal } from '../errors.ts'
import { jobFolder } from '../storage/index.ts'
import { isTerminal } from './job.ts'
import { type ProjectRemoval, removeUnusedProject } from './remove-unused-project.ts'

/** May be called again after a crash at any point of it. Throws JOB_NOT_FOUND or JOB_NOT_TERMINAL. */
export async function deleteJob(id: string, options: ProjectRemoval): Promise<void> {
  const { store, storage } = options
  const job = await store.get(id)
  if (!job) throw new JobNotFound(id)
  if (!isTerminal(job.status)) throw new JobNotTerminal(id, job.status)
  await storage.remove(jobFolder(id))
  await store.remove(id)
  await removeUnusedProject({ tenant: job.tenant, digest: job.project.digest }, options)
}

/** The record of jobs. */
import type { JobRecord, JobStatus } from '../jobs/job.ts'

export interface JobQuery {
  status?: JobStatus[]
  /** At most so many, newest first. */
  limit: number
  /** Only jobs that are older than this one (an id: ids are in order of creation). */
  before?: string
}

export interface Store {
  readonly name: 'sqlite' | 'postgres'
  /** Durable when it returns: an acknowledged job survives a crash of the machine. */
  insert(job: JobRecord): Promise<void>
  get(id: string): Promise<JobRecord | undefined>
  list(query: JobQuery): Promise<JobRecord[]>
  /** Jobs in any of these statuses, oldest first. */
  oldest(statuses: JobStatus[], limit: number): Promise<JobRecord[]>
  /**
   * Writes the record back if nobody has changed it since it was read (`job.version`), and answers it with its new
   * version; undefined when somebody has: read again. Never touches `stopRequestedAt`.
   */
  save(job: JobRecord): Promise<JobRecord | undefined>
  /** Notes that a stop was asked for, once; does not change a terminal job. Answers the job as it is now. */
  requestStop(id: string, at: string): Promise<JobRecord | undefined>
  /** Throws the reason when it cannot be used now. */
  check(): Promise<void>
  close(): Promise<void>
}

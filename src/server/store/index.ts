/** The record of jobs. */
import type { JobRecord, JobStatus } from '../jobs/job.ts'

/** Only jobs that meet all of it. */
export interface JobFilter {
  tenant?: string
  status?: JobStatus[]
  name?: string
  /** The project's digest. */
  project?: string
  batch?: string
  /** Keys with their values; a key may be there twice, and then no job has both. */
  tags?: [key: string, value: string][]
  /** RFC 3339, UTC; neither end counts. */
  createdAfter?: string
  createdBefore?: string
}

export interface JobQuery extends JobFilter {
  /** At most so many, newest first. */
  limit: number
  /** Only jobs that are older than this one (an id: ids are in order of creation). */
  before?: string
}

/** Of the oldest jobs only those that meet all of it. */
export interface OldestFilter {
  /** Younger than this one (an id). */
  after?: string | undefined
  /** Of none of these tenants. */
  notOf?: string[]
  /** A stop was asked for. */
  stopRequested?: true
}

/** What a caller's Idempotency-Key stands for. */
export interface IdempotencyKey {
  /** Whose key it is. */
  scope: string
  key: string
  /** Of what was asked for. */
  fingerprint: string
  /** The id of the job or the batch that it led to. */
  answer: string
  /** RFC 3339, UTC */
  createdAt: string
}

export interface ProjectName {
  tenant: string
  digest: string
}

/** The time for which this service leads: it alone moves jobs on. */
export interface Term {
  /** Comes when the term is over: from then on nothing may be started, stopped or written. */
  readonly over: AbortSignal
  /** Whether something may be started or stopped now; false also where a process that hung has not been told yet. */
  holds(): boolean
  /** As the store's; throws where somebody else leads by now, and writes nothing. */
  save: Store['save']
  /** Lets another service lead at once. */
  end(): Promise<void>
}

/** Hears what other services do, and at times what this one does. */
export interface StoreListener {
  /** That job has changed; without an id, any may have. */
  changed(id?: string): void
  /** A job was submitted or is to be stopped: there is something to do for who leads. */
  asked(): void
}

/** Every method throws STORE_UNAVAILABLE, with the reason in words, where the database cannot be used now. */
export interface Store {
  readonly name: 'sqlite' | 'postgres'
  /**
   * All of the jobs and the key, or nothing. Durable when it returns: an acknowledged job survives a crash of the machine.
   * False where the key is there already: another request was sooner, and nothing is inserted. `demandProject` looks for
   * the project, which is the same for all of the jobs: until they are inserted, `ifUnused` does not act on it. What it
   * throws is thrown, and then nothing is inserted.
   */
  insert(
    jobs: JobRecord | JobRecord[],
    key?: IdempotencyKey,
    demandProject?: () => Promise<void>
  ): Promise<boolean>
  /** `ifUnused`, of any service, does not act on the project meanwhile. */
  whileKept<Result>(project: ProjectName, act: () => Promise<Result>): Promise<Result>
  /** Acts where no job has the project, and lets none be inserted that demands it meanwhile. False where one has. */
  ifUnused(project: ProjectName, act: () => Promise<boolean>): Promise<boolean>
  findKey(scope: string, key: string): Promise<IdempotencyKey | undefined>
  /** Forgets the keys from before that time (RFC 3339, UTC). */
  forgetKeys(before: string): Promise<void>
  /** How many of these jobs there are in each status; where statuses are named, others are 0. */
  summary(filter?: Pick<JobFilter, 'tenant' | 'status'>): Promise<Record<JobStatus, number>>
  /** The record, its tags, and the keys that stand for it or for its batch, of which it was the last. Absent is fine. */
  remove(id: string): Promise<void>
  /** With a tenant, a job of another is not there: nothing of it is read. */
  get(id: string, tenant?: string): Promise<JobRecord | undefined>
  list(query: JobQuery): Promise<JobRecord[]>
  /** Jobs in any of these statuses, oldest first. */
  oldest(statuses: JobStatus[], limit: number, only?: OldestFilter): Promise<JobRecord[]>
  /**
   * Writes the record back if nobody has changed it since it was read (`job.version`), and answers it with its new
   * version; undefined when somebody has: read again. Never touches `stopRequestedAt`.
   */
  save(job: JobRecord): Promise<JobRecord | undefined>
  /** Notes that a stop was asked for, once; does not change a terminal job. Answers the job as it is now, as `get` does. */
  requestStop(id: string, at: string, tenant?: string): Promise<JobRecord | undefined>
  /** Of all services on the database one leads: answers when it is this one, undefined at the signal. */
  lead(signal: AbortSignal): Promise<Term | undefined>
  /** A change is told when it is there to be read; after a connection was lost, everything may have changed. */
  onChange(listener: StoreListener): void
  /** Throws the reason when it cannot be used now. */
  check(): Promise<void>
  close(): Promise<void>
}

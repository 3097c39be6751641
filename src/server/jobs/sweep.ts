/**
 * What is older, or more, than is to be kept is forgotten: jobs that have ended, projects that nobody needs, idempotency
 * keys. Each step may be the last one before a crash: what was left is found again by the next sweep.
 */
import { setImmediate as otherWork } from 'node:timers/promises'
import { JobNotFound } from '../errors.ts'
import type { JobQuery, Store } from '../store/index.ts'
import { deleteJob } from './delete-job.ts'
import { isTerminal, type JobRecord, JobStatus } from './job.ts'
import { type SweepProjectsOptions, sweepProjects } from './sweep-projects.ts'

export interface SweepOptions extends SweepProjectsOptions {
  store: Store
  /** How long a job is kept after its end was recorded: nobody could fetch what it left before. Infinity is for ever. */
  jobMilliseconds: number
  /** How many bytes all jobs may have left together: the oldest go until the others fit. Infinity is any. */
  jobBytes: number
  log: { info(data: object, text: string): void; error(data: object, text: string): void }
}

export interface Swept {
  jobs: number
  projects: number
  /** Jobs and projects that could not be removed now. */
  failed: number
}

/** Callers try again within minutes, perhaps after a weekend. */
const keyMilliseconds = 7 * 24 * 60 * 60 * 1000

/** However little room there is: who waits for a job's end has that time to fetch what it left, once it is recorded. */
const fetchMilliseconds = 60 * 60 * 1000

const jobsAtOnce = 100
const terminal = JobStatus.enum.filter(isTerminal)

/** Ends early at the signal. Throws where storage or store cannot be used at all. */
export async function sweep(options: SweepOptions, signal?: AbortSignal): Promise<Swept> {
  const swept: Swept = { jobs: 0, projects: 0, failed: 0 }
  await sweepJobs(options, swept, signal)
  const attempt = (what: object, act: () => Promise<void>) => guarded(what, options, swept, act)
  swept.projects = await sweepProjects(options, attempt, signal)
  await options.store.forgetKeys(new Date(Date.now() - keyMilliseconds).toISOString())
  return swept
}

async function sweepJobs(options: SweepOptions, swept: Swept, signal?: AbortSignal): Promise<void> {
  const { store, jobMilliseconds, jobBytes, log } = options
  if (jobMilliseconds === Infinity && jobBytes === Infinity) return
  const now = Date.now()
  // Where only age counts, those that were made later need not be looked at.
  const made = jobBytes === Infinity ? { createdBefore: timeOf(now - jobMilliseconds) } : {}
  let bytes = 0
  for await (const job of endedJobs(store, made)) {
    if (signal?.aborted) return
    bytes += bytesOf(job)
    const age = now - Date.parse(job.endRecordedAt ?? job.endedAt ?? job.createdAt)
    const tooOld = age > jobMilliseconds
    if (!tooOld && !(bytes > jobBytes && age > fetchMilliseconds)) continue
    const reason = tooOld ? 'it is older than jobs are kept' : 'what jobs left is more than is kept'
    await guarded({ job: job.id }, options, swept, async () => {
      await deleteJob(job.id, options)
      swept.jobs++
      log.info({ job: job.id, endedAt: job.endedAt, reason }, 'job deleted')
    })
  }
}

/** Newest first, a page at a time. */
async function* endedJobs(store: Store, made: Partial<JobQuery>): AsyncGenerator<JobRecord> {
  let before: string | undefined
  do {
    const page = { ...made, limit: jobsAtOnce, ...(before === undefined ? {} : { before }) }
    const jobs = await store.list({ ...page, status: terminal })
    yield* jobs
    before = jobs.at(-1)?.id
    await otherWork()
  } while (before !== undefined)
}

/** What cannot be removed holds up nothing else, unless nothing can be. */
async function guarded(
  what: object,
  { store, storage, log }: SweepOptions,
  swept: Swept,
  act: () => Promise<void>
): Promise<void> {
  try {
    await act()
  } catch (error) {
    // Somebody else was sooner.
    if (error instanceof JobNotFound) return
    swept.failed++
    log.error({ err: error, ...what }, 'this could not be deleted; the next sweep tries again')
    await Promise.all([store.check(), storage.check()])
  }
}

/** Of jobs that ended before sizes were recorded, the model's counts. */
const bytesOf = ({ keptBytes, model }: JobRecord) => keptBytes ?? model?.sizeBytes ?? 0

const timeOf = (milliseconds: number) => new Date(milliseconds).toISOString()

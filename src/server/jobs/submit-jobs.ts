/** A submission becomes jobs: everything that a caller can know is checked first, all faults at once. */
import type { Fault } from '../../contract/fault.ts'
import type { Backend } from '../backends/index.ts'
import { IdempotencyKeyInUse, StorageUnavailable, SubmissionInvalid } from '../errors.ts'
import { createPaths } from '../paths.ts'
import { discardFile } from '../projects/index.ts'
import { projectKey } from '../storage/index.ts'
import { checkFields } from './check-fields.ts'
import { checkJob } from './check-job.ts'
import { fingerprintOf, replay } from './idempotency.ts'
import type { JobRecord } from './job.ts'
import type { CheckQueue } from './limit-queue.ts'
import { nextId } from './next-id.ts'
import { notThere, type OpenProject, openProject, type ProjectOptions } from './open-project.ts'
import type { ProjectLock } from './project-lock.ts'
import type { StoredProjects } from './stored-projects.ts'
import {
  type Accepted,
  type Asked,
  batchOf,
  type JobFields,
  type Submission
} from './submission.ts'
import type { TenantStore } from './tenant-store.ts'

export interface SubmitOptions extends ProjectOptions {
  store: TenantStore
  backend: Backend
  projectLock: ProjectLock
  storedProjects: StoredProjects
  checkQueue: CheckQueue
}

/**
 * Answers the queued jobs; they are durable then. Throws SUBMISSION_INVALID with all faults, NOT_AN_ARCHIVE,
 * PROJECT_TOO_LARGE, IDEMPOTENCY_KEY_REUSED, QUEUE_FULL or MALFORMED_REQUEST, and leaves nothing behind. Removes the spooled archive
 * in any case.
 */
export function submitJobs(
  submission: Submission,
  asked: Asked,
  options: SubmitOptions
): Promise<Accepted> {
  const digest = submission.texts.get('project')
  const submit = () => submitWith(submission, asked, options)
  return digest === undefined
    ? submit()
    : options.projectLock.hold(projectKey({ ...options, digest }), submit)
}

async function submitWith(
  submission: Submission,
  asked: Asked,
  options: SubmitOptions
): Promise<Accepted> {
  const { archive, faults } = submission
  let project: OpenProject | undefined
  try {
    const fields = asked.batch ? batchOf(submission) : [{ pointer: '', texts: submission.texts }]
    const given = await checkEach(fields, fields, ({ texts }) => checkFields(texts))
    // What is wrong in itself never led to a job; what it lacks here now (a project, a setting) it may have had.
    const neverRight = [submission, ...given].some(one => one.faults.length > 0)
    project = await openProject(submission, faults, options)
    // What is stored has no .git folder.
    if (project && asked.rerunOf) project.inspected.gitCommit ??= asked.rerunOf.project.gitCommit
    const paths = createPaths()
    const checked = await checkEach(fields, given, one =>
      checkJob(one, project, { ...options, paths })
    )
    const jobs = checked.map(({ job }) => job)
    const fingerprint = fingerprintOf(jobs, asked)
    const earlier = neverRight ? undefined : await replay(asked, fingerprint, options.store)
    if (earlier) return earlier
    faults.push(...joinFaults(fields, checked))
    if (faults.length > 0 || !project) throw new SubmissionInvalid(faults)
    const id = label(jobs, asked)
    if (asked.dryRun) return { id, jobs, replayed: false }
    await options.checkQueue(jobs.length)
    if (await keep(project, jobs, { id, fingerprint, ...asked }, options))
      return { id, jobs, replayed: false }
    // Another request with the same key was sooner.
    const sooner = await replay(asked, fingerprint, options.store)
    if (!sooner) throw new IdempotencyKeyInUse(asked.key?.key)
    return sooner
  } finally {
    for (const file of [archive, project?.inspected.archive]) if (file) await discardFile(file.path)
  }
}

/** So many that nobody reads more: the jobs behind them are not looked at. */
const faultsEnough = 10_000

async function checkEach<Job, Checked extends { faults: Fault[] }>(
  fields: JobFields[],
  jobs: Job[],
  check: (job: Job) => Checked | Promise<Checked>
): Promise<Checked[]> {
  const checked: Checked[] = []
  let count = 0
  for (const job of jobs) {
    const one = await check(job)
    checked.push(one)
    count += one.faults.length
    if (count > faultsEnough) throw new SubmissionInvalid(joinFaults(fields, checked))
  }
  return checked
}

/** A fault that all jobs of a batch have is told once, for it is in what they share. */
function joinFaults(fields: JobFields[], checked: { faults: Fault[] }[]): Fault[] {
  const counts = new Map<string, number>()
  for (const { faults } of checked)
    for (const fault of faults) counts.set(textOf(fault), (counts.get(textOf(fault)) ?? 0) + 1)
  const isShared = (fault: Fault) =>
    checked.length > 1 && counts.get(textOf(fault)) === checked.length
  return checked.flatMap(({ faults }, n) =>
    faults
      .filter(fault => n === 0 || !isShared(fault))
      .map(({ pointer, detail }) => ({
        pointer: isShared({ pointer, detail }) ? pointer : `${fields[n]?.pointer}${pointer}`,
        detail
      }))
  )
}

const textOf = ({ pointer, detail }: Fault) => `${pointer} ${detail}`

/** Answers what the caller is to know the jobs by. */
function label(jobs: JobRecord[], { batch, rerunOf }: Asked): string {
  const id = batch ? nextId('batch') : undefined
  for (const job of jobs) {
    if (id !== undefined) job.batch = id
    if (rerunOf) job.rerunOf = rerunOf.id
  }
  return id ?? jobs[0]?.id ?? ''
}

/** The project first, so that no job is there without it. False where the key is taken. */
function keep(
  { inspected: { archive, digest } }: OpenProject,
  jobs: JobRecord[],
  { id, key, fingerprint }: Asked & { id: string; fingerprint: string },
  { tenant, storage, store, projectLock, storedProjects }: SubmitOptions
): Promise<boolean> {
  const stored = projectKey({ tenant, digest })
  const createdAt = new Date().toISOString()
  const taken = key && { ...key, fingerprint, answer: id, createdAt }
  // Another service, or a person, may have removed it since it was looked at or put there.
  const demandProject = async () => {
    if (!(await storage.stat(stored))) throw new SubmissionInvalid([notThere(digest)])
  }
  const insert = () => store.insert(jobs, taken, demandProject)
  return projectLock.alone(stored, async () => {
    if (!archive) return insert()
    for (let attempt = 1; ; attempt++) {
      await storedProjects.ensure(stored, archive).catch(notStored)
      try {
        return await insert()
      } catch (error) {
        if (!(error instanceof SubmissionInvalid)) throw error
        if (attempt === putAttempts) notStored(new Error('It was removed again and again.'))
      }
    }
  })
}

/** One that is new is not removed as an old one is: the second is enough, unless unused projects are kept for no time. */
const putAttempts = 20

function notStored(cause: Error): never {
  throw new StorageUnavailable(
    `The project could not be stored, and nothing of the submission was kept. ${cause.message}`,
    { cause }
  )
}

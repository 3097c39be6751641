/** A submission becomes a job: everything that a caller can know is checked first, all faults at once. */
import { rm } from 'node:fs/promises'
import { monotonicFactory } from 'ulid'
import type { Fault } from '../../contract/fault.ts'
import { checkSubmission, readProject } from '../../contract/mlproject.ts'
import type { Backend } from '../backends/index.ts'
import { StorageUnavailable, SubmissionInvalid } from '../errors.ts'
import {
  type InspectedProject,
  inspectArchive,
  type ProjectLimits,
  type SpooledFile
} from '../projects/index.ts'
import { projectKey, type Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { backendJob } from './backend-job.ts'
import { checkFields, type Fields, type FieldTexts } from './check-fields.ts'
import type { JobRecord } from './job.ts'

export interface Submission {
  /** Absent where the request had no file. */
  archive?: SpooledFile
  texts: FieldTexts
  /** What is wrong with the form itself. */
  faults: Fault[]
}

export interface SubmitOptions {
  store: Store
  storage: Storage
  backend: Backend
  /** For temporary files. */
  folder: string
  limits: ProjectLimits
}

/** Ids are in order of creation, and fit for a SageMaker training job's name. */
const nextUlid = monotonicFactory()
const nextId = () => `job-${nextUlid().toLowerCase()}`

/**
 * Answers the queued job; it is durable then. Throws SUBMISSION_INVALID with all faults, NOT_AN_ARCHIVE,
 * PROJECT_TOO_LARGE or MALFORMED_REQUEST, and leaves nothing behind. Removes the spooled archive in any case.
 */
export async function submitJob(
  { archive, texts, faults: formFaults }: Submission,
  options: SubmitOptions
): Promise<JobRecord> {
  let inspected: InspectedProject | undefined
  try {
    const { fields, faults } = checkFields(texts)
    inspected = archive ? await inspect(archive, fields, faults, options) : undefined
    faults.unshift(...formFaults)
    if (!archive) faults.push(texts.has('project') ? projectIsText : noProject)
    const { project, checked, warnings } = check(inspected, fields, faults)
    const job = newJob(fields, options.backend.name)
    faults.push(...options.backend.check(backendJob(job, options.storage)))
    if (faults.length > 0 || !inspected || !project || !checked) throw new SubmissionInvalid(faults)
    const { digest, path, gitCommit } = inspected
    job.project = { digest, path, gitCommit, name: project.name }
    job.defaults = checked.defaults
    job.warnings.push(...inspected.warnings, ...warnings, ...checked.warnings)
    chooseExperiment(job, inspected)
    await options.storage
      .put(projectKey(digest), inspected.archive.path, { ifAbsent: true })
      .catch(cause => {
        throw new StorageUnavailable(
          `The project could not be stored, and nothing of the submission was kept. ${cause.message}`,
          { cause }
        )
      })
    await options.store.insert(job)
    return job
  } finally {
    for (const file of [archive, inspected?.archive]) if (file) await rm(file.path, { force: true })
  }
}

const noProject: Fault = {
  pointer: '/project',
  detail: 'The project is missing: send its archive as a file, as in curl -F project=@code.tar.gz.'
}

const projectIsText: Fault = {
  pointer: '/project',
  detail: 'The project is text, not a file: with curl, put an @ before its path.'
}

/** A refused archive's faults join those of the fields. */
async function inspect(
  archive: SpooledFile,
  fields: Fields,
  faults: Fault[],
  { folder, limits }: SubmitOptions
): Promise<InspectedProject | undefined> {
  try {
    const path = fields.path === undefined ? {} : { path: fields.path }
    return await inspectArchive(archive, { folder, limits, ...path })
  } catch (error) {
    if (!(error instanceof SubmissionInvalid)) throw error
    faults.push(...error.faults)
    return undefined
  }
}

function check(inspected: InspectedProject | undefined, fields: Fields, faults: Fault[]) {
  if (!inspected) return { warnings: [] }
  const reading = readProject(inspected.path, inspected.files)
  faults.push(...reading.faults)
  if (!reading.project) return { warnings: reading.warnings }
  const checked = checkSubmission(reading.project, inspected.files, {
    entryPoint: fields.entryPoint,
    parameters: fields.parameters,
    allowUndeclaredParameters: fields.run.allowUndeclaredParameters ?? false
  })
  faults.push(...checked.faults)
  return { project: reading.project, checked, warnings: reading.warnings }
}

/** As far as the fields alone say it: the project is not known yet. */
function newJob(fields: Fields, backend: string): JobRecord {
  const createdAt = new Date().toISOString()
  const { path = '', ...given } = fields
  return {
    ...given,
    id: nextId(),
    status: 'queued',
    statusReason: null,
    project: { digest: `sha256:${'0'.repeat(64)}`, name: null, path, gitCommit: '0'.repeat(40) },
    defaults: {},
    warnings: [],
    backend: { name: backend, status: null, details: {} },
    createdAt,
    startedAt: null,
    endedAt: null,
    billableSeconds: null,
    transitions: [{ status: 'queued', reason: null, at: createdAt }],
    failure: null,
    mlflowRun: null,
    metrics: {},
    model: null,
    stopRequestedAt: null,
    version: 1
  }
}

/** One project in five calls set_experiment, and fails where the run is made in another experiment. */
function chooseExperiment(job: JobRecord, { hints }: InspectedProject): void {
  const [only, ...others] = hints.experiments
  const chosen = job.run.experimentName ?? job.run.experimentId
  if (hints.setsTrackingUri)
    job.warnings.push(
      'The code calls set_tracking_uri: what it logs elsewhere is not seen here. Remove the call, or set MLFLOW_TRACKING_URI in "environment".'
    )
  if (only === undefined) return
  if (chosen === undefined && others.length === 0) {
    job.run = { ...job.run, experimentName: only }
    job.warnings.push(
      `The code calls set_experiment("${only}"), so the run is made in that experiment.`
    )
  } else if (chosen !== only || others.length > 0)
    job.warnings.push(
      `The code calls set_experiment(${hints.experiments.map(name => JSON.stringify(name)).join(', ')}): MLflow fails when that is not the run's experiment. Name it in run.experimentName, or remove the call.`
    )
}

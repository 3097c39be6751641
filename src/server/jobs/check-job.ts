/** One job of a submission against its project and the backend: the job as it would be, and every fault. */
import { checkSubmission } from '../../contract/check-submission.ts'
import type { Fault } from '../../contract/fault.ts'
import type { Backend } from '../backends/index.ts'
import type { Paths } from '../paths.ts'
import type { Storage } from '../storage/index.ts'
import { version } from '../version.ts'
import { backendJob } from './backend-job.ts'
import type { CheckedFields, Fields } from './check-fields.ts'
import type { JobRecord } from './job.ts'
import { nextId } from './next-id.ts'
import type { OpenProject } from './open-project.ts'

/** `project` is absent where it could not be read: the rest is checked all the same. */
export async function checkJob(
  { fields, faults: faultsOfFields }: CheckedFields,
  project: OpenProject | undefined,
  options: { tenant: string; backend: Backend; storage: Storage; paths: Paths }
): Promise<{ job: JobRecord; faults: Fault[] }> {
  const { tenant, backend, storage, paths } = options
  const job = newJob(fields, tenant, backend.name)
  const faults = [...faultsOfFields]
  if (project) faults.push(...takeProject(job, fields, project))
  // Last, when everything that the backend is given is there: it counts and measures.
  faults.push(...(await backend.check(backendJob({ ...job, ...longest }, storage), paths)))
  return { job, faults }
}

/** Its batch and the job that it repeats are noted later, and their names go to the backend, too. */
const longest = { batch: `batch-${'0'.repeat(26)}`, rerunOf: `job-${'0'.repeat(26)}` }

function takeProject(job: JobRecord, fields: Fields, { inspected, reading }: OpenProject): Fault[] {
  const { digest, path, gitCommit } = inspected
  const name = reading.project?.name ?? null
  job.project = { digest, path, gitCommit, name }
  job.warnings.push(...inspected.warnings, ...reading.warnings)
  if (!reading.project) return reading.faults
  const checked = checkSubmission(reading.project, inspected.files, {
    entryPoint: fields.entryPoint,
    parameters: fields.parameters,
    allowUndeclaredParameters: fields.run.allowUndeclaredParameters ?? false
  })
  job.defaults = checked.defaults
  job.warnings.push(...checked.warnings)
  chooseExperiment(job, inspected)
  return [...reading.faults, ...checked.faults]
}

/** As far as the fields alone say it: the project is not known yet. */
function newJob(fields: Fields, tenant: string, backend: string): JobRecord {
  const createdAt = new Date().toISOString()
  const { path = '', ...given } = fields
  return {
    ...given,
    id: nextId('job'),
    tenant,
    status: 'queued',
    statusReason: null,
    project: { digest: `sha256:${'0'.repeat(64)}`, name: null, path, gitCommit: '0'.repeat(40) },
    batch: null,
    rerunOf: null,
    defaults: {},
    warnings: [],
    backend: { name: backend, status: null, details: {} },
    serviceVersion: version,
    createdAt,
    startedAt: null,
    endedAt: null,
    billableSeconds: null,
    transitions: [{ status: 'queued', reason: null, at: createdAt }],
    failure: null,
    mlflowRun: null,
    metrics: {},
    model: null,
    keptBytes: null,
    endRecordedAt: null,
    stopRequestedAt: null,
    version: 1
  }
}

/** One project in five calls set_experiment, and fails where the run is made in another experiment. */
function chooseExperiment(job: JobRecord, { hints }: OpenProject['inspected']): void {
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

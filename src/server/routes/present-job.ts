/** A job's record as the API shows it. */
import { hidden } from '../../contract/mask.ts'
import { rawParameters } from '../../contract/parameters.ts'
import { hideCredentials } from '../../contract/secrets.ts'
import type { Backend } from '../backends/index.ts'
import {
  literalsOf,
  type RecordedEnvironment,
  referencesOf,
  secretNamesOf
} from '../jobs/environment.ts'
import { isTerminal, type JobRecord } from '../jobs/job.ts'
import type { Job } from './schemas.ts'
import type { JobPreview } from './submission-schemas.ts'

export function presentJob(job: JobRecord): Job {
  const { id, name, status, statusReason, entryPoint, tags, warnings, transitions } = job
  const self = `/jobs/${id}`
  return {
    id,
    name,
    status,
    terminal: isTerminal(status),
    statusReason,
    project: { digest: job.project.digest, name: job.project.name, path: job.project.path },
    batch: job.batch,
    rerunOf: job.rerunOf,
    entryPoint,
    parameters: rawParameters({ ...job.defaults, ...job.parameters }),
    run: job.mlflowRun && {
      ...job.mlflowRun,
      trackingUri: hideCredentials(job.mlflowRun.trackingUri)
    },
    backend: job.backend,
    environment: shownEnvironment(job.environment),
    resources: job.resources,
    inputs: job.inputs,
    tags,
    warnings,
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
    billableSeconds: job.billableSeconds,
    transitions,
    failure: job.failure,
    metrics: job.metrics,
    model: job.model,
    links: {
      self,
      logs: `${self}/logs`,
      metrics: `${self}/metrics`,
      model: `${self}/model`,
      modelFiles: `${self}/model/files`,
      project: `/projects/${job.project.digest}`,
      provenance: `${self}/provenance`,
      stop: `${self}/stop`,
      rerun: `${self}/rerun`
    }
  }
}

/** What a dry run answers. */
export function previewJob(job: JobRecord, backend: Backend): JobPreview {
  const { name, project, entryPoint, parameters, environment, inputs, tags, warnings } =
    presentJob(job)
  return {
    ...{ name, project, entryPoint, parameters, environment, inputs, tags, warnings },
    run: job.run,
    resources: backend.plan(job.resources),
    backend: { name: backend.name }
  }
}

/** In the order in which they were given; a reference is shown as it is. */
function shownEnvironment(environment: RecordedEnvironment): Record<string, string> {
  const secrets = new Set(secretNamesOf(environment))
  const known = { ...literalsOf(environment), ...referencesOf(environment) }
  return Object.fromEntries(
    Object.keys(environment).map(name => [
      name,
      secrets.has(name) ? hidden : hideCredentials(known[name] ?? hidden)
    ])
  )
}

/** A job's record as the API shows it. */
import { isTerminal, type JobRecord } from '../jobs/job.ts'
import type { Job } from './schemas.ts'

const looksSecret = /(SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|_KEY$)/i

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
    entryPoint,
    parameters: rawValues({ ...job.defaults, ...job.parameters }),
    run: job.mlflowRun,
    backend: job.backend,
    environment: Object.fromEntries(
      Object.entries(job.environment).map(([key, value]) => [
        key,
        looksSecret.test(key) ? '***' : value
      ])
    ),
    tags,
    warnings,
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
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
      stop: `${self}/stop`
    }
  }
}

/** JSON tokens go out as they came in: 1.0 stays 1.0, which a JavaScript number would lose. */
const rawValues = (tokens: Record<string, string>): Job['parameters'] =>
  Object.fromEntries(Object.entries(tokens).map(([name, token]) => [name, JSON.rawJSON(token)]))

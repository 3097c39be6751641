/** A job as the map of strings that the runtime reads. */
import { encodeHyperparameters } from '../../contract/hyperparameters.ts'
import type { JobRecord } from './job.ts'

export function hyperparametersOf(job: JobRecord): Record<string, string> {
  const { allowUndeclaredParameters: _, ...options } = job.run
  return encodeHyperparameters({
    parameters: job.parameters,
    options: { entryPoint: job.entryPoint, ...options },
    projectPath: job.project.path,
    tags: {
      ...job.tags,
      'mlflow-jobs.job': job.id,
      'mlflow-jobs.project': job.project.digest,
      'mlflow-jobs.backend': job.backend.name,
      ...present({
        'mlflow-jobs.service.version': job.serviceVersion,
        'mlflow-jobs.batch': job.batch,
        'mlflow-jobs.rerunOf': job.rerunOf,
        'mlflow.source.git.commit': job.project.gitCommit
      })
    }
  })
}

const present = (tags: Record<string, string | null>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tags).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))
  )

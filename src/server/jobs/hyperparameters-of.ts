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
      'mlflow_jobs.job': job.id,
      'mlflow_jobs.project': job.project.digest,
      ...(job.project.gitCommit ? { 'mlflow.source.git.commit': job.project.gitCommit } : {})
    }
  })
}

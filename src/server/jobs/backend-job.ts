/** A job as its backend is given it. */
import type { BackendJob } from '../backends/index.ts'
import { jobsFolder, projectKey, type Storage } from '../storage/index.ts'
import { literalsOf, markedNamesOf, referencesOf, secretNamesOf } from './environment.ts'
import { hyperparametersOf } from './hyperparameters-of.ts'
import type { JobRecord } from './job.ts'

export function backendJob(job: JobRecord, storage: Storage): BackendJob {
  const { id, tenant, environment, tags, resources, inputs, createdAt } = job
  const key = projectKey({ tenant: job.tenant, digest: job.project.digest })
  return {
    id,
    tenant,
    environment: literalsOf(environment),
    secretNames: secretNamesOf(environment),
    markedSecrets: markedNamesOf(environment),
    secretReferences: referencesOf(environment),
    tags,
    resources,
    inputs,
    createdAt,
    hyperparameters: hyperparametersOf(job),
    project: { uri: storage.uri(key), open: () => storage.read(key) },
    outputsUri: storage.uri(jobsFolder)
  }
}

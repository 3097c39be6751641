/** The variables of a job, built from nothing: the service's own, with its secrets, never reach it. */
import { delimiter } from 'node:path'
import { secretFromPrefix, secretNamesVariable } from '../../../contract/secrets.ts'
import type { BackendJob } from '../index.ts'
import { buildFolders } from './build-folders.ts'
import { cacheVariables, runtimeCache } from './compile-cache.ts'
import type { JobFolder } from './job-folder.ts'
import type { Given, JobSettings } from './plan-launch.ts'
import type { SecretFiles } from './secret-files.ts'

/** Of the runtime that builds its environment itself; MLFLOW_JOBS_BUILD_ONLY names what it keeps from the program. */
export function environmentOf(
  place: JobFolder,
  job: BackendJob,
  { python, bin, trackingUri, secrets, wall }: Given,
  { folder, jobEnvironment, buildEnvironment, stopGraceSeconds }: JobSettings
): Record<string, string> {
  const { environments } = buildFolders(folder, job.tenant)
  const build = buildVariables(job, { folder, buildEnvironment })
  return {
    LANG: 'C.UTF-8',
    ...jobEnvironment,
    ...build,
    PATH: [bin, jobEnvironment.PATH].filter(Boolean).join(delimiter),
    HOME: place.home,
    TMPDIR: place.temporary,
    PYTHONUNBUFFERED: '1',
    // Where there is no git, MLflow tells every job of it at length.
    GIT_PYTHON_REFRESH: 'quiet',
    MLFLOW_TRACKING_URI: trackingUri,
    ...job.environment,
    ...secretVariables(job, secrets),
    ...cacheVariables(runtimeCache(folder), wall),
    SAGEMAKER_BASE_DIR: place.tree.base,
    TRAINING_JOB_NAME: job.id,
    MLFLOW_JOBS_PYTHON: python,
    MLFLOW_JOBS_ENVIRONMENTS: environments,
    MLFLOW_JOBS_BUILD_ONLY: Object.keys(build).join(','),
    MLFLOW_JOBS_LOCK: place.runtimeLock,
    MLFLOW_JOBS_STOP_GRACE_SECONDS: String(Math.max(1, stopGraceSeconds - 20))
  }
}

/** The operator's, and where a tenant's packages are kept if the operator names no place. */
export function buildVariables(
  { tenant }: Pick<BackendJob, 'tenant'>,
  { folder, buildEnvironment }: Pick<JobSettings, 'folder' | 'buildEnvironment'>
): Record<string, string> {
  const { cache, pythons } = buildFolders(folder, tenant)
  const { UV_CACHE_DIR, UV_PYTHON_INSTALL_DIR } = buildEnvironment
  return {
    ...buildEnvironment,
    UV_CACHE_DIR: UV_CACHE_DIR || cache,
    UV_PYTHON_INSTALL_DIR: UV_PYTHON_INSTALL_DIR || pythons
  }
}

const secretVariables = (
  { secretNames }: BackendJob,
  { references }: SecretFiles
): Record<string, string> => ({
  [secretNamesVariable]: secretNames.join(','),
  ...Object.fromEntries(
    Object.entries(references).map(([name, reference]) => [secretFromPrefix + name, reference])
  )
})

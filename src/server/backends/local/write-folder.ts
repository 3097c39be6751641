/** Fills a job's folder: the project, what SageMaker would put below /opt/ml/input, and how the runtime is started. */
import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { codeChannel } from '../../../contract/container.ts'
import { secretFromPrefix, secretNamesVariable } from '../../../contract/secrets.ts'
import type { LocalLimits } from '../../local-limits.ts'
import type { BackendJob } from '../index.ts'
import type { Input } from './input-data.ts'
import { type JobFile, type JobFolder, makeFolders, writeJson } from './job-folder.ts'
import { limitsOf } from './limits.ts'
import { linkInputs } from './link-inputs.ts'
import type { SecretFiles } from './secret-files.ts'

export interface JobSettings {
  /** DATA_DIR */
  folder: string
  stopGraceSeconds: number
  /** Where files are that jobs may name as their secrets; `{tenant}` stands for a job's. */
  secretRoots: string[]
  /** Where data is that jobs may name as their inputs; likewise. */
  inputRoots: string[]
  limits: LocalLimits
  /** What every job sees of the service's environment: PATH, locale, time zone. */
  jobEnvironment: Record<string, string>
  /** What only the building of environments sees, such as PIP_INDEX_URL. */
  buildEnvironment: Record<string, string>
}

/** The interpreter that has mlflow, its folder of programs, and the tracking server. */
export interface Tools {
  python: string
  bin: string
  trackingUri: string
}

export interface Given extends Tools {
  secrets: SecretFiles
  /** Channel -> its data. */
  inputs: Map<string, Input>
}

const runtimeMain = join(import.meta.dirname, '../../../runtime/main.ts')
const host = 'algo-1'

/** Files are replaced, never removed: a supervisor that an earlier service started may be about to read them. */
export async function writeFolder(
  place: JobFolder,
  job: BackendJob,
  given: Given,
  settings: JobSettings
): Promise<void> {
  await makeFolders(place)
  const archive = join(place.tree.inputData, codeChannel, 'project.tar.gz')
  await pipeline(await job.project.open(), createWriteStream(`${archive}.part`))
  await rename(`${archive}.part`, archive)
  await writeJson(place.tree.hyperparameters, job.hyperparameters)
  await writeJson(place.tree.resourceConfig, {
    current_host: host,
    hosts: [host],
    network_interface_name: 'lo'
  })
  await linkInputs(place, given.inputs)
  const channels = [codeChannel, ...given.inputs.keys()]
  await writeJson(
    place.tree.inputDataConfig,
    Object.fromEntries(channels.map(channel => [channel, { TrainingInputMode: 'File' }]))
  )
  const file: JobFile = {
    command: process.execPath,
    arguments: [runtimeMain, 'train'],
    environment: environmentOf(place, job, given, settings),
    stopGraceSeconds: settings.stopGraceSeconds
  }
  if (given.secrets.files.length > 0) file.secretFiles = given.secrets.files
  if (given.inputs.size > 0) file.data = [...given.inputs.values()].map(({ path }) => path)
  file.limits = limitsOf(job.resources, settings.limits)
  const { maxRuntimeSeconds } = job.resources
  if (maxRuntimeSeconds !== undefined) file.maxRuntimeSeconds = maxRuntimeSeconds
  await writeJson(place.job, file)
}

/** A job's environment is built from nothing: the service's own, with its secrets, never reaches a job. */
function environmentOf(
  place: JobFolder,
  job: BackendJob,
  { python, bin, trackingUri, secrets }: Given,
  { folder, jobEnvironment, buildEnvironment, stopGraceSeconds }: JobSettings
): Record<string, string> {
  const build = {
    UV_CACHE_DIR: join(folder, 'cache', 'uv'),
    UV_PYTHON_INSTALL_DIR: join(folder, 'pythons'),
    ...buildEnvironment
  }
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
    SAGEMAKER_BASE_DIR: place.tree.base,
    TRAINING_JOB_NAME: job.id,
    MLFLOW_JOBS_PYTHON: python,
    MLFLOW_JOBS_ENVIRONMENTS: join(folder, 'environments'),
    MLFLOW_JOBS_BUILD_ONLY: Object.keys(build).join(','),
    MLFLOW_JOBS_LOCK: place.runtimeLock,
    MLFLOW_JOBS_STOP_GRACE_SECONDS: String(Math.max(1, stopGraceSeconds - 20))
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

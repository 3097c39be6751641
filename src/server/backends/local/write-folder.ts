/** Fills a job's folder: the project, what SageMaker would put below /opt/ml/input, and how the runtime is started. */
import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { codeChannel } from '../../../contract/container.ts'
import type { LocalLimits } from '../../local-limits.ts'
import type { BackendJob } from '../index.ts'
import type { Input } from './input-data.ts'
import { buildVariables, environmentOf } from './job-environment.ts'
import { type JobFile, type JobFolder, makeFolders, writeJson } from './job-folder.ts'
import { limitsOf } from './limits.ts'
import { linkInputs } from './link-inputs.ts'
import type { SecretFiles } from './secret-files.ts'
import type { WallBase } from './wall.ts'
import { walledIn } from './walled-in.ts'

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
  /** Around each job; without it there is none. */
  wall?: WallBase
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
  const environment = environmentOf(place, job, given, settings)
  const limits = limitsOf(job.resources, settings.limits)
  const file: JobFile = {
    command: process.execPath,
    arguments: [runtimeMain, 'train'],
    environment,
    stopGraceSeconds: settings.stopGraceSeconds,
    limits,
    ...(given.wall
      ? await walledIn(place, given.wall, {
          tenant: job.tenant,
          dataDir: settings.folder,
          environment,
          buildVariables: buildVariables(job, settings),
          limits,
          data: [...given.secrets.files, ...[...given.inputs.values()].map(({ path }) => path)]
        })
      : {})
  }
  const { maxRuntimeSeconds } = job.resources
  if (maxRuntimeSeconds !== undefined) file.maxRuntimeSeconds = maxRuntimeSeconds
  await writeJson(place.job, file)
}

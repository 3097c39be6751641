/** How a job's supervisor starts it: its command, its variables and its wall. Nothing of that depends on what is in its folder. */
import { join } from 'node:path'
import type { LocalLimits } from '../../local-limits.ts'
import type { BackendJob } from '../index.ts'
import type { Input } from './input-data.ts'
import { buildVariables, environmentOf } from './job-environment.ts'
import { folderBehindWall, type JobFile, type JobFolder } from './job-folder.ts'
import { limitsOf } from './limits.ts'
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

export interface Start {
  job: BackendJob
  given: Given
  /** Where its folder will be while it runs. */
  place: JobFolder
  /** Where that is when the wall is built, if elsewhere. */
  now?: JobFolder
}

export async function planLaunch(
  { job, given, place, now = place }: Start,
  settings: JobSettings
): Promise<JobFile> {
  const seen = given.wall ? folderBehindWall(settings.folder) : place
  const environment = environmentOf(seen, job, given, settings)
  const limits = limitsOf(job.resources, settings.limits)
  const { maxRuntimeSeconds } = job.resources
  return {
    command: process.execPath,
    arguments: [runtimeMain, 'train'],
    environment,
    stopGraceSeconds: settings.stopGraceSeconds,
    limits,
    ...(maxRuntimeSeconds === undefined ? {} : { maxRuntimeSeconds }),
    ...(given.wall
      ? await walledIn({ place, now }, given.wall, {
          tenant: job.tenant,
          dataDir: settings.folder,
          environment,
          buildVariables: buildVariables(job, settings),
          limits,
          data: [...given.secrets.files, ...[...given.inputs.values()].map(({ path }) => path)]
        })
      : {})
  }
}

/** Where a result came from: the same facts for the run report and for the MLflow run's tags. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { lockDigest } from '../contract/lock-digest.ts'
import type { Project } from '../contract/project.ts'
import type { RunReport } from '../contract/run-report.ts'
import type { Plan } from './job.ts'
import type { Settings, Variables } from './settings.ts'

type Facts = Pick<RunReport, 'runtime' | 'environment'>

export const runtimeFacts = ({ imageVersion }: Settings): NonNullable<RunReport['runtime']> => ({
  version: manifest.version,
  image: imageVersion ?? null,
  os: platform(),
  arch: arch()
})

/** null where the project names no environment file. */
export async function environmentFile({ codeFolder, project }: Plan) {
  const { file: path } = project.environment
  if (path === null) return null
  const bytes = await readFile(join(codeFolder, path))
  return { path, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }
}

/** What is known when the run is made. Each value is far shorter than the 5,000 characters that old servers take. */
export const firstTags = (
  { runtime }: Facts,
  { path }: Project,
  { TRAINING_JOB_ARN }: Variables
): Variables =>
  present({
    'mlflow-jobs.project.path': path,
    'mlflow-jobs.runtime.version': runtime?.version,
    'mlflow-jobs.image.version': runtime?.image,
    'mlflow-jobs.platform': runtime && `${runtime.os} ${runtime.arch}`,
    'mlflow-jobs.trainingJob.arn': TRAINING_JOB_ARN
  })

/** What is known when the program has run. */
export function lastTags({ environment }: Facts): Variables {
  if (!environment) return {}
  const { python, packages, file } = environment
  return present({
    'mlflow-jobs.python': python,
    'mlflow-jobs.environment.file.digest': file?.digest,
    'mlflow-jobs.environment.digest': packages && lockDigest(python, packages)
  })
}

const present = (tags: Record<string, string | null | undefined>): Variables =>
  Object.fromEntries(
    Object.entries(tags).flatMap(([name, value]) => (value ? [[name, value] as const] : []))
  )

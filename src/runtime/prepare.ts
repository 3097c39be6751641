/** The environment of a project, built ahead of its jobs: for images derived from the training image. */
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { userError } from './failure.ts'
import { chooseManager, prepareEnvironment } from './prepare-environment.ts'
import { isLocal, loggingPackages } from './project-packages.ts'
import { readCode } from './read-code.ts'
import type { Settings } from './settings.ts'

export interface AheadOptions {
  settings: Settings
  /** The folder of the MLproject file. */
  folder: string
  log: NodeJS.WritableStream
  signal: AbortSignal
}

/** Answers the exit code. Throws where the environment cannot be built, or would not be used by a job. */
export async function prepareAhead({
  settings,
  folder,
  log,
  signal
}: AheadOptions): Promise<number> {
  const say = (text: string) => void log.write(`mlflow-jobs: ${text}\n`)
  const codeFolder = resolve(folder)
  const { project, warnings } = readCode(codeFolder)
  for (const warning of warnings) say(warning)
  const { environment } = project
  if (environment.requirements.some(isLocal)) {
    throw userError(
      `${environment.file} names files of the project, so that each job builds its own environment. Leave such lines out to build it ahead.`
    )
  }
  const common = { environment, pythonPin: 'exact', codeFolder, settings } as const
  const { manager, note } = await chooseManager({ ...common, wanted: undefined })
  if (note) say(note)
  const { reused } = await prepareEnvironment({
    ...common,
    manager,
    packages: loggingPackages(settings.variables.MLFLOW_TRACKING_URI ?? '', null, environment),
    privateFolder: join(tmpdir(), 'mlflow-jobs', 'environment'),
    say,
    log,
    signal
  })
  say(reused ? 'There is nothing to prepare.' : 'The environment is prepared.')
  return 0
}

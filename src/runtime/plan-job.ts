/** What is to be run: the code and what the hyperparameters say of it. */
import { join } from 'node:path'
import { decodeHyperparameters } from '../contract/hyperparameters.ts'
import { optionName } from '../contract/mlflow-run-options.ts'
import type { Project } from '../contract/project.ts'
import { downloadCode } from './download-code.ts'
import { stoppedError, userError } from './failure.ts'
import { fetchCode } from './fetch-code.ts'
import type { Job, Plan } from './job.ts'
import { chooseManager } from './prepare-environment.ts'
import { readCode } from './read-code.ts'
import type { ContainerConfig } from './read-config.ts'
import { parseJson, toolkitText } from './toolkit-text.ts'
import { unlessStopped } from './unless-stopped.ts'

export async function planJob(job: Job): Promise<Plan> {
  const { tree, config, settings, report, mlflow, say, signal } = job
  const hyperparameters = decodeHyperparameters(config.hyperparameters)
  const { faults, warnings, options, submitDirectory, projectPath } = hyperparameters
  for (const warning of warnings) report.warn(warning)
  if (faults.length > 0) throw userError(faults.map(({ detail }) => detail).join(' '))
  const codeFolder = await report.phase('code', () =>
    fetchCode(tree, submitDirectory, (uri, file) =>
      unlessStopped(signal, downloadCode(mlflow, uri, file, settings.python))
    )
  )
  const program = textOf(config.hyperparameters.sagemaker_program)
  const code = readCode(codeFolder, { projectPath, program })
  for (const warning of code.warnings) report.warn(warning)
  const { environment, path } = code.project
  const pythonPin = options.pythonPin ?? 'exact'
  const wanted = meansBuilt(config) ? undefined : options.envManager
  const { manager, note } = await chooseManager({
    wanted,
    environment,
    pythonPin,
    codeFolder,
    settings
  })
  if (note) say(note)
  if (signal.aborted) throw stoppedError()
  return {
    ...code,
    hyperparameters,
    entryPoint: options.entryPoint ?? mainOf(code.project, program),
    codeFolder,
    projectFolder: join(codeFolder, path),
    manager
  }
}

/**
 * no-conda is a word of the odahu container alone: no second environment, for the one there had been brought up to date. So
 * what the project requires is there all the same; env-manager=local is what promises that nothing is built.
 */
function meansBuilt({ hyperparameters }: ContainerConfig): boolean {
  const options = new Set(Object.keys(hyperparameters).map(optionName))
  return (
    options.has('sagemaker-mlflow-run-no-conda') && !options.has('sagemaker-mlflow-run-env-manager')
  )
}

/** The SDK's entry_point names a script; it counts where the project declares no main. */
const mainOf = ({ entryPoints }: Project, program: string) =>
  program && !Object.hasOwn(entryPoints, 'main') ? program : 'main'

const textOf = (value: string | undefined) => toolkitText(parseJson(value ?? '""'))

/** What is to be run: the code and what the hyperparameters say of it. */
import { join } from 'node:path'
import { decodeHyperparameters } from '../contract/hyperparameters.ts'
import { downloadCode } from './download-code.ts'
import { stoppedError, userError } from './failure.ts'
import { fetchCode } from './fetch-code.ts'
import type { Job, Plan } from './job.ts'
import { chooseManager } from './prepare-environment.ts'
import { readCode } from './read-code.ts'
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
  const code = readCode(codeFolder, projectPath)
  for (const warning of code.warnings) report.warn(warning)
  const { environment, path } = code.project
  const { manager, note } = await chooseManager(options.envManager, environment, settings)
  if (note) say(note)
  if (signal.aborted) throw stoppedError()
  return { ...code, hyperparameters, codeFolder, projectFolder: join(codeFolder, path), manager }
}

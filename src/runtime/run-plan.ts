/** The project's program in its environment, which is prepared for it. */
import { join } from 'node:path'
import type { Failure, RunReport } from '../contract/run-report.ts'
import { containerEnvironment } from './container-environment.ts'
import { programFailure } from './failure.ts'
import { type Installed, installedPackages } from './installed-packages.ts'
import type { Job, Plan } from './job.ts'
import { environmentFile } from './lineage.ts'
import type { CreatedRun } from './mlflow-calls.ts'
import { prepareEnvironment } from './prepare-environment.ts'
import { loggingPackages } from './project-packages.ts'
import { runProgram } from './run-program.ts'

/** Answers why the program failed, where it did. `ahead`: what is installed, where that is read already. */
export async function runPlan(
  job: Job,
  plan: Plan,
  run: CreatedRun,
  ahead?: Promise<Installed | undefined>
): Promise<Failure | null> {
  const { tree, config, settings, report, mlflow, say, log, signal } = job
  const { hyperparameters, entryPoint, project, codeFolder, projectFolder, manager } = plan
  const { parameters, options } = hyperparameters
  const startedAt = Date.now()
  const prepared = await report.phase('environment', () =>
    prepareEnvironment({
      manager,
      environment: project.environment,
      pythonPin: options.pythonPin ?? 'exact',
      settings,
      codeFolder,
      packages: loggingPackages(
        settings.variables.MLFLOW_TRACKING_URI ?? '',
        run.artifactUri,
        project.environment
      ),
      privateFolder: join(tree.base, 'environment'),
      say,
      log,
      signal
    })
  )
  const known: NonNullable<RunReport['environment']> = {
    manager,
    python: prepared.python ?? run.python,
    reused: prepared.reused,
    seconds: (Date.now() - startedAt) / 1000,
    file: await environmentFile(plan)
  }
  report.value.environment = known
  const variables = await containerEnvironment(tree, config, settings.variables)
  const environment = { ...settings.variables, ...variables, ...prepared.variables }
  const reading = ahead ?? installedPackages(prepared.interpreter, environment, signal)
  const exitCode = await report.phase('program', () =>
    runProgram(
      mlflow,
      {
        project: projectFolder,
        entry_point: entryPoint,
        parameters,
        storage_dir: options.storageDir ?? null,
        environment,
        run_id: run.id,
        experiment_id: run.experimentId
      },
      { signal, stopGraceSeconds: settings.stopGraceSeconds, onStart: job.onProgram }
    ).finally(async () => Object.assign(known, await reading))
  )
  if (exitCode === 0) return null
  return programFailure(exitCode, { output: await mlflow.output(), codeFolder, projectFolder })
}

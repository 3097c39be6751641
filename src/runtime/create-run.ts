/** The MLflow run, made before its program so that its id is known while it runs. */
import { userInfo } from 'node:os'
import { chooseExperiment } from './choose-experiment.ts'
import type { Job, Plan } from './job.ts'
import { firstTags } from './lineage.ts'
import type { CreatedRun } from './mlflow-calls.ts'
import { unlessStopped } from './unless-stopped.ts'

export async function createRun(
  { mlflow, report, settings, signal }: Job,
  { hyperparameters, entryPoint, hints, project, manager }: Plan
): Promise<CreatedRun> {
  const { options, tags } = hyperparameters
  const experiment = chooseExperiment(options, settings.variables, hints)
  if (experiment.warning) report.warn(experiment.warning)
  const { python, artifactUri, ...run } = await report.phase('mlflow', () =>
    unlessStopped(
      signal,
      mlflow.createRun({
        experiment_id: experiment.id,
        experiment_name: experiment.name,
        run_id: options.runId ?? null,
        run_name: options.runName ?? null,
        tags: {
          'mlflow.user': userName(),
          'mlflow.source.name': hyperparameters.submitDirectory ?? project.name ?? project.file,
          'mlflow.source.type': 'PROJECT',
          'mlflow.project.entryPoint': entryPoint,
          'mlflow.project.env': manager,
          'mlflow.project.backend': 'local',
          ...tags,
          ...firstTags(report.value, project, settings.variables)
        }
      })
    )
  )
  report.value.run = run
  await report.save()
  return { ...run, python, artifactUri }
}

/** The name of the user that a container's process runs as may be unknown. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

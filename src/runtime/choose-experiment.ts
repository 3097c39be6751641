/** The experiment that the run is made in. */
import type { CodeHints } from '../contract/code-hints.ts'
import type { MlflowRunOptions } from '../contract/mlflow-run-options.ts'
import type { Variables } from './settings.ts'

export interface ChosenExperiment {
  /** Both null: MLflow's default experiment. */
  id: string | null
  name: string | null
  warning?: string
}

/**
 * What the caller named, else what the image names, else the one that the code itself sets: `mlflow.set_experiment`
 * fails under a run that was made in another one.
 */
export function chooseExperiment(
  { experimentId, experimentName, runId }: MlflowRunOptions,
  variables: Variables,
  { experiments, dynamicExperiment }: CodeHints
): ChosenExperiment {
  const named = experimentId !== undefined || experimentName !== undefined
  const id = (named ? experimentId : variables.MLFLOW_EXPERIMENT_ID) ?? null
  const name = (named ? experimentName : variables.MLFLOW_EXPERIMENT_NAME) ?? null
  // What is given stands; a code that sets another one fails, and then a hint says why.
  if (id !== null || name !== null || runId !== undefined)
    return { id: name === null ? id : null, name }
  const [inCode, ...others] = experiments
  if (inCode === undefined || others.length > 0 || dynamicExperiment) return { id, name }
  return {
    id,
    name: inCode,
    warning: `The run was made in the experiment "${inCode}", for the code sets it.`
  }
}

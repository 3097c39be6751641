/** What the runtime takes from its environment besides what a SageMaker training container is given. */
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

export type Variables = Record<string, string>

export interface Settings {
  /** SAGEMAKER_BASE_DIR, else /opt/ml. */
  base: string | undefined
  /** MLFLOW_JOBS_PYTHON: the interpreter that has mlflow, else python3. */
  python: string
  /** MLFLOW_JOBS_ENVIRONMENTS: where the environments of projects are built and kept. */
  environments: string
  /** MLFLOW_JOBS_STOP_GRACE_SECONDS: from SIGINT to SIGKILL for the user's program. */
  stopGraceSeconds: number
  /** MLFLOW_JOBS_LOCK: a file to hold locked as long as this process lives, so that others can tell. */
  lock: string | undefined
  /** What the building of environments sees. */
  buildVariables: Variables
  /** What everything else sees, the user's program included: without MLFLOW_JOBS_* and what MLFLOW_JOBS_BUILD_ONLY names. */
  variables: Variables
}

/** Leaves 20 of SageMaker's 120 seconds for collecting what was logged. */
const defaultStopGraceSeconds = 100

/** Throws where a variable is not what it should be. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const python = environment.MLFLOW_JOBS_PYTHON || 'python3'
  const own = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || name.startsWith('MLFLOW_JOBS_') ? [] : [[name, value] as const]
  )
  const buildOnly = new Set((environment.MLFLOW_JOBS_BUILD_ONLY ?? '').split(','))
  const common = {
    PATH: [isAbsolute(python) ? dirname(python) : '', environment.PATH ?? '']
      .filter(Boolean)
      .join(':'),
    PYTHONUNBUFFERED: '1',
    MLFLOW_TRACKING_URI: environment.MLFLOW_TRACKING_URI || temporaryTrackingUri()
  }
  return {
    base: environment.SAGEMAKER_BASE_DIR || undefined,
    python,
    environments:
      environment.MLFLOW_JOBS_ENVIRONMENTS || join(tmpdir(), 'mlflow-jobs', 'environments'),
    lock: environment.MLFLOW_JOBS_LOCK || undefined,
    stopGraceSeconds: readSeconds(environment.MLFLOW_JOBS_STOP_GRACE_SECONDS),
    buildVariables: { ...Object.fromEntries(own), ...common },
    variables: {
      ...Object.fromEntries(own.filter(([name]) => !buildOnly.has(name))),
      ...common
    }
  }
}

/** MLflow's own default depends on its version and on the working folder; models and metrics are in the results anyway. */
function temporaryTrackingUri(): string {
  return `sqlite:///${join(tmpdir(), 'mlflow-jobs', 'mlflow.db')}`
}

function readSeconds(text: string | undefined): number {
  const seconds = Number(text || defaultStopGraceSeconds)
  if (seconds >= 0) return seconds
  throw new Error(
    `MLFLOW_JOBS_STOP_GRACE_SECONDS is "${text}"; it must be a number of seconds, such as 100.`
  )
}

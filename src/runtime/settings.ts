/** What the runtime takes from its environment besides what a SageMaker training container is given. */
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { secretFromPrefix, secretNamesVariable } from '../contract/secrets.ts'

export type Variables = Record<string, string>

export interface Settings {
  /** SAGEMAKER_BASE_DIR, else /opt/ml. */
  base: string | undefined
  /** MLFLOW_JOBS_PYTHON: the interpreter that has mlflow, else python3. */
  python: string
  /** MLFLOW_JOBS_ENVIRONMENTS: where the environments of projects are built and kept. */
  environments: string
  /** The environment that conda keeps up to date for the one job of a container; undefined: one is made for each file. */
  condaEnvironment: string | undefined
  /** MLFLOW_JOBS_STOP_GRACE_SECONDS: from SIGINT to SIGKILL for the user's program. */
  stopGraceSeconds: number
  /** MLFLOW_JOBS_BUILDER=parent: another process builds environments, where this one and the user's program may only read them. */
  asksBuilder: boolean
  /** MLFLOW_JOBS_LOCK: a file to hold locked as long as this process lives, so that others can tell. */
  lock: string | undefined
  /** MLFLOW_JOBS_METRIC_LINES: whether a running job's metrics are printed, for a service that reads nothing but the log. */
  metricLines: boolean
  /** MLFLOW_JOBS_IMAGE_VERSION, which the training image sets. */
  imageVersion: string | undefined
  /** MLFLOW_JOBS_ARN_PACKAGES, on the path of the interpreter that has mlflow where the tracking URI is an ARN. */
  arnVariables: Variables
  /** MLFLOW_JOBS_SECRET_NAMES: which variables hold secrets; undefined: nobody has said. */
  secretNames: string[] | undefined
  /** MLFLOW_JOBS_SECRET_FROM_<variable>: where values are that the job has to find. */
  secretReferences: Variables
  /** What the building of environments sees. */
  buildVariables: Variables
  /** What everything else sees, the user's program included: without MLFLOW_JOBS_*, NODE_COMPILE_CACHE and what MLFLOW_JOBS_BUILD_ONLY names. */
  variables: Variables
}

/** Leaves 20 of SageMaker's 120 seconds for collecting what was logged. */
const defaultStopGraceSeconds = 100

/** Throws where a variable is not what it should be. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const python = environment.MLFLOW_JOBS_PYTHON || 'python3'
  const own = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || isOurs(name) ? [] : [[name, value] as const]
  )
  const buildOnly = new Set((environment.MLFLOW_JOBS_BUILD_ONLY ?? '').split(','))
  const common = {
    PATH: [isAbsolute(python) ? dirname(python) : '', environment.PATH ?? '']
      .filter(Boolean)
      .join(':'),
    PYTHONUNBUFFERED: '1',
    // Its thread changes Python's os.environ while requests read it, which now and then fails one of them.
    MLFLOW_DISABLE_TELEMETRY: environment.MLFLOW_DISABLE_TELEMETRY || 'true',
    ...awsVariables(environment),
    MLFLOW_TRACKING_URI: environment.MLFLOW_TRACKING_URI || temporaryTrackingUri()
  }
  return {
    base: environment.SAGEMAKER_BASE_DIR || undefined,
    python,
    environments:
      environment.MLFLOW_JOBS_ENVIRONMENTS || join(tmpdir(), 'mlflow-jobs', 'environments'),
    condaEnvironment:
      environment.CONDA_TRAINING_ENV ||
      (environment.MLFLOW_JOBS_ENVIRONMENTS ? undefined : 'training'),
    asksBuilder: environment.MLFLOW_JOBS_BUILDER === 'parent',
    lock: environment.MLFLOW_JOBS_LOCK || undefined,
    metricLines: environment.MLFLOW_JOBS_METRIC_LINES === 'true',
    imageVersion: environment.MLFLOW_JOBS_IMAGE_VERSION || undefined,
    arnVariables: isArn(common.MLFLOW_TRACKING_URI)
      ? pythonPath(environment.MLFLOW_JOBS_ARN_PACKAGES, environment.PYTHONPATH)
      : {},
    secretNames: environment[secretNamesVariable]?.split(','),
    secretReferences: referencesIn(environment),
    stopGraceSeconds: readSeconds(environment.MLFLOW_JOBS_STOP_GRACE_SECONDS),
    buildVariables: { ...Object.fromEntries(own), ...common },
    variables: {
      ...Object.fromEntries(own.filter(([name]) => !buildOnly.has(name))),
      ...common
    }
  }
}

/** Node's cache is that of this process. */
const isOurs = (name: string) => name.startsWith('MLFLOW_JOBS_') || name === 'NODE_COMPILE_CACHE'

const referencesIn = (environment: NodeJS.ProcessEnv): Variables =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && name.startsWith(secretFromPrefix)
        ? [[name.slice(secretFromPrefix.length), value]]
        : []
    )
  )

/** MLflow's own default depends on its version and on the working folder; models and metrics are in the results anyway. */
function temporaryTrackingUri(): string {
  return `sqlite:///${join(tmpdir(), 'mlflow-jobs', 'mlflow.db')}`
}

/** The name of an MLflow that SageMaker manages. */
export const isArn = (trackingUri: string) => trackingUri.startsWith('arn:')

function pythonPath(folder: string | undefined, present: string | undefined): Variables {
  return folder ? { PYTHONPATH: [folder, present].filter(Boolean).join(':') } : {}
}

/** For AWS's Python library, which reads neither AWS_REGION nor what the SDK's local mode of old gives. */
function awsVariables(environment: NodeJS.ProcessEnv): Variables {
  const region =
    environment.AWS_DEFAULT_REGION || environment.AWS_REGION || environment.SAGEMAKER_REGION
  const endpoint =
    environment.AWS_ENDPOINT_URL_S3 || environment.AWS_ENDPOINT_URL
      ? ''
      : environment.S3_ENDPOINT_URL
  return {
    ...(region ? { AWS_DEFAULT_REGION: region } : {}),
    ...(endpoint ? { AWS_ENDPOINT_URL_S3: endpoint } : {})
  }
}

function readSeconds(text: string | undefined): number {
  const seconds = Number(text || defaultStopGraceSeconds)
  if (seconds >= 0) return seconds
  throw new Error(
    `MLFLOW_JOBS_STOP_GRACE_SECONDS is "${text}"; it must be a number of seconds, such as 100.`
  )
}

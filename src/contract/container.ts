/**
 * The training container's folders and files, as Amazon SageMaker lays them out below /opt/ml
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html).
 */
import { join } from 'node:path'

export interface ContainerTree {
  /** /opt/ml, or what SAGEMAKER_BASE_DIR names. */
  base: string
  input: string
  inputConfig: string
  hyperparameters: string
  resourceConfig: string
  inputDataConfig: string
  /** Input channels: a folder each. */
  inputData: string
  code: string
  model: string
  output: string
  outputData: string
  failure: string
  checkpoints: string
}

/** The channel in which the code arrives when the container may have no network. */
export const codeChannel = 'code'

/** The first characters of output/failure that SageMaker shows as FailureReason. */
export const failureReasonLimit = 1024

/** In output/data: contract/run-report.ts. */
export const runReportFile = 'run-report.json'

/** Seconds between SIGTERM and SIGKILL when a training job is stopped. */
export const stopGraceSeconds = 120

export function containerTree(base = '/opt/ml'): ContainerTree {
  const input = join(base, 'input')
  const output = join(base, 'output')
  const inputConfig = join(input, 'config')
  return {
    base,
    input,
    inputConfig,
    hyperparameters: join(inputConfig, 'hyperparameters.json'),
    resourceConfig: join(inputConfig, 'resourceconfig.json'),
    inputDataConfig: join(inputConfig, 'inputdataconfig.json'),
    inputData: join(input, 'data'),
    code: join(base, 'code'),
    model: join(base, 'model'),
    output,
    outputData: join(output, 'data'),
    failure: join(output, 'failure'),
    checkpoints: join(base, 'checkpoints')
  }
}

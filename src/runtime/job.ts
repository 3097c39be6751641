/** One training job: what its parts share. */
import type { ContainerTree } from '../contract/container.ts'
import type { DecodedHyperparameters } from '../contract/hyperparameters.ts'
import type { Mask } from '../contract/mask.ts'
import type { Installed } from './installed-packages.ts'
import type { Mlflow } from './mlflow.ts'
import type { Manager } from './prepare-environment.ts'
import type { Code } from './read-code.ts'
import type { ContainerConfig } from './read-config.ts'
import type { GrowingReport } from './report.ts'
import type { Settings } from './settings.ts'
import type { Python } from './start-python.ts'

export interface TrainOptions {
  settings: Settings
  log: NodeJS.WritableStream
  /** Asks for a stop. */
  signal: AbortSignal
  /** Gets the process group of the user's program once it runs. */
  onProgram(group: number): void
  /** What was begun before. */
  ahead?: Ahead
}

export interface Ahead {
  /** Imports MLflow. */
  python: Python
  /** What is installed beside MLflow. */
  installed?: Promise<Installed | undefined>
}

export interface Job extends TrainOptions {
  tree: ContainerTree
  config: ContainerConfig
  report: GrowingReport
  mlflow: Mlflow
  say(text: string): void
  /** Knows the job's secrets. */
  mask: Mask
}

/** All that can be known before anything is run. */
export interface Plan extends Code {
  entryPoint: string
  hyperparameters: DecodedHyperparameters
  codeFolder: string
  projectFolder: string
  manager: Manager
}

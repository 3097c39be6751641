/** What mlflow_project.py is asked for, and what it answers; names as they are there. */
import type { ChildRun, LoggedModel, MetricValue } from '../contract/run-report.ts'
import type { Variables } from './settings.ts'

export interface DownloadObject {
  /** s3://bucket/key */
  uri: string
  /** Where it goes. */
  file: string
}

export interface CreateRun {
  experiment_id: string | null
  experiment_name: string | null
  run_id: string | null
  run_name: string | null
  tags: Variables
}

export interface CreatedRun {
  id: string
  experimentId: string
  experimentName: string | null
  name: string | null
  trackingUri: string
  artifactUri: string
  status: string
  /** Version of the interpreter that has mlflow. */
  python: string
}

export interface ProgramToRun {
  project: string
  entry_point: string
  /** name -> text */
  parameters: Variables
}

export interface StartProgram extends ProgramToRun {
  storage_dir: string | null
  environment: Variables
  run_id: string
  experiment_id: string
}

export interface WaitForProgram {
  /** Whose metrics are told meanwhile. */
  run_id: string
}

export interface FinishRun extends ProgramToRun {
  run_id: string
  /** What was not known when the run was made. */
  tags: Variables
  status: 'FINISHED' | 'FAILED' | 'KILLED'
  /** Where models and artifacts go. */
  folder: string
}

export interface FinishedRun {
  status: string
  metrics: Record<string, MetricValue>
  /** Timestamps in milliseconds since 1970. */
  metricHistory: Record<string, { value: MetricValue; step: number; timestamp: number }[]>
  params: Variables
  tags: Variables
  childRuns: ChildRun[]
  models: LoggedModel[]
  /** What could not be fetched, in sentences. */
  problems: string[]
}

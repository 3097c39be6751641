/** What a job is: the record that the store keeps. */
import { Type } from 'typebox'
import type { Failure, LoggedModel, MetricValue } from '../../contract/run-report.ts'
import type { Resources } from '../backends/index.ts'
import type { RecordedEnvironment } from './environment.ts'

export const JobStatus = Type.Enum(
  ['queued', 'starting', 'running', 'stopping', 'succeeded', 'failed', 'stopped'],
  {
    $id: 'JobStatus',
    type: 'string',
    description: 'The last three are terminal: a job in one of them never changes again.'
  }
)
export type JobStatus = Type.Static<typeof JobStatus>

const order: Record<JobStatus, number> = {
  queued: 0,
  starting: 1,
  running: 2,
  stopping: 3,
  succeeded: 4,
  failed: 4,
  stopped: 4
}

export const isTerminal = (status: JobStatus) => order[status] === 4

/** Status never goes backwards, and a terminal job never changes. */
export const canMove = (from: JobStatus, to: JobStatus) => order[to] > order[from]

export const Transition = Type.Object(
  {
    status: Type.Unsafe<JobStatus>(Type.Ref('JobStatus')),
    reason: Type.Union([Type.String(), Type.Null()]),
    at: Type.String({ format: 'date-time' })
  },
  { $id: 'Transition' }
)
export type Transition = Type.Static<typeof Transition>

export const RunOptions = Type.Object(
  {
    experimentName: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
    experimentId: Type.Optional(Type.String({ pattern: '^[0-9A-Za-z_-]{1,64}$' })),
    runName: Type.Optional(Type.String({ minLength: 1, maxLength: 250 })),
    envManager: Type.Optional(
      Type.Enum(['local', 'uv', 'virtualenv', 'conda'], {
        type: 'string',
        description:
          'What builds the environment; by default uv where the project names an environment, else local.'
      })
    ),
    pythonPin: Type.Optional(
      Type.Enum(['exact', 'minor'], {
        type: 'string',
        description: 'minor: any patch release of the Python version that the project pins will do.'
      })
    ),
    allowUndeclaredParameters: Type.Optional(Type.Boolean())
  },
  { $id: 'RunOptions', additionalProperties: false, description: 'Options of mlflow run.' }
)
export type RunOptions = Type.Static<typeof RunOptions>

export interface JobRecord {
  id: string
  /** Whose it is: nobody else learns of it. */
  tenant: string
  name: string | null
  status: JobStatus
  statusReason: string | null
  project: {
    digest: string
    name: string | null
    /** The project's folder inside the archive; '' is its root. */
    path: string
    gitCommit: string | null
  }
  /** The batch that it came in, and the job that it repeats. */
  batch: string | null
  rerunOf: string | null
  entryPoint: string
  /** What the caller gave: name -> JSON token, exactly as it was written (1.0 stays 1.0). */
  parameters: Record<string, string>
  /** What MLflow will add: name -> JSON token. Shown, not passed. */
  defaults: Record<string, string>
  run: RunOptions
  environment: RecordedEnvironment
  tags: Record<string, string>
  resources: Resources
  /** Input channel -> URI. */
  inputs: Record<string, string>
  warnings: string[]
  /** details: what it says besides, such as an ARN. */
  backend: { name: string; status: string | null; details: Record<string, string> }
  /** Of the service that accepted it; null: before that was recorded. */
  serviceVersion: string | null
  createdAt: string
  startedAt: string | null
  endedAt: string | null
  /** When its end was recorded, which is later where the service was away; null: it has not ended, or before that was kept. */
  endRecordedAt: string | null
  /** What the backend bills, for one instance. */
  billableSeconds: number | null
  transitions: Transition[]
  failure: Failure | null
  mlflowRun: {
    id: string
    experimentId: string
    experimentName: string | null
    trackingUri: string
  } | null
  metrics: Record<string, MetricValue>
  model: { sizeBytes: number; fileCount: number; loggedModels: LoggedModel[] } | null
  /** Of all that it has left in the storage; null: it has not ended, or before that was recorded. */
  keptBytes: number | null
  /** Set by whoever asks for a stop; status itself is changed by the loop alone. */
  stopRequestedAt: string | null
  /** Grows with every change. */
  version: number
}

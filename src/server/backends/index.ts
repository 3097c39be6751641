/** Where jobs run. */
import type { Readable } from 'node:stream'
import type { Fault } from '../../contract/fault.ts'
import type { Metrics } from '../../contract/metric-lines.ts'
import type { Failure } from '../../contract/run-report.ts'
import type { Paths } from '../paths.ts'
import type { Resources } from './resources.ts'

export { Resources } from './resources.ts'

/** What a backend needs to know of a job to run it. */
export interface BackendJob {
  id: string
  /** Whose it is. What jobs share beyond their own, they share only with others of the same. */
  tenant: string
  /** SageMaker's map of strings, made by contract/hyperparameters.ts. */
  hyperparameters: Record<string, string>
  environment: Record<string, string>
  /** Which of these are secrets, or look like one. */
  secretNames: string[]
  /** Those of them that the caller has marked. */
  markedSecrets: string[]
  /** Further variables: where the job itself is to find their values. */
  secretReferences: Record<string, string>
  /** The caller's own. */
  tags: Record<string, string>
  resources: Resources
  /** Input channel -> URI of its data. */
  inputs: Record<string, string>
  /** The project's archive (tar.gz): where the storage has it, and its bytes. */
  project: { uri: string; open(): Promise<Readable> }
  /** The storage's folder of all jobs: what a job leaves is to lie at `<outputsUri>/<id>/output/model.tar.gz`. */
  outputsUri: string
  /** RFC 3339 */
  createdAt: string
}

export type StartOutcome =
  | { outcome: 'started' }
  /**
   * Nothing was started; the reason is in words that a caller understands, such as "waiting for a slot". `alone`: others of
   * its queue need not wait for it.
   */
  | { outcome: 'later'; reason: string; alone?: true }
  | { outcome: 'failed'; failure: Failure }

export interface Observation {
  /** unclear: nothing can be said now; the job is left as it is. */
  state: 'unclear' | 'starting' | 'running' | 'stopping' | 'ended'
  /** What the backend calls it, such as SageMaker's SecondaryStatus. */
  status: string
  reason?: string
  /** Why a stop that was asked for does not begin, in words. */
  stopRefused?: string
  /** The states that it came through, oldest first, as far as the backend remembers. */
  steps?: { state: 'starting' | 'running' | 'stopping'; at: string; reason?: string }[]
  startedAt?: string
  endedAt?: string
  /** Known while the job runs, where the runtime could say so. */
  run?: { id: string; experimentId: string; experimentName: string | null; trackingUri: string }
  /** Last values while the job runs, where the backend learns them. */
  metrics?: Metrics
  /** Only of an ended job. */
  stopped?: boolean
  /**
   * Only of an ended job: what the backend knows of its failure, for instance that its process vanished. Of kind `user`
   * it is a guess, which yields to what the job's own report says, unless it is certain.
   */
  failure?: Failure
  /** The backend itself ended the job, for this failure. */
  certain?: true
  exitCode?: number
  billableSeconds?: number
  /** More that the backend says of the job, such as its ARN. */
  details?: Record<string, string>
  /** What an ended job left on this machine and the storage is to take over: key -> file. */
  outputs?: { key: string; file: string }[]
}

/** Bytes that only ever grow at their end. */
export interface LogSource {
  sizeBytes(): Promise<number>
  /** At most `limit` bytes from `offset` on; empty at the end. */
  read(offset: number, limit: number): Promise<Buffer>
  /** Until then it can be read, wherever the log goes meanwhile. */
  close(): Promise<void>
}

/** Whose jobs are moved on by this process, and for how long. */
export interface Permit {
  /** Where it does not hold any more, nothing may be started or stopped. */
  holds(): boolean
}

/** What keeps a job from others and from the service: a machine of its own, a wall on this one, or nothing but its folder. */
export type Isolation = 'instance' | 'sandbox' | 'none'

export interface Backend {
  readonly name: 'local' | 'sagemaker'
  /**
   * From now on this process moves the jobs on, which another may have done before. Brings up what jobs need, in the
   * background; `start` answers "later" with the reason until it is there.
   */
  open(permit: Permit): void
  /** Another process moves the jobs on: nothing is asked, started or stopped until `open` is called again. */
  rest(): Promise<void>
  /**
   * What of a submission this backend cannot run; pointers are into the submission. Asks nobody but this machine, of which
   * `paths` knows what jobs of the same submission have asked.
   */
  check(job: BackendJob, paths: Paths): Fault[] | Promise<Fault[]>
  /** What a job with these would run on: the operator's defaults are applied. */
  plan(resources: Resources): Resources
  /**
   * Jobs of one queue wait for the same thing, first come, first served; those of others need not wait for them. '' is the
   * queue of a backend that has no other.
   */
  queueOf(resources: Resources): string
  /** Starts the job unless it was started before: it may be called again after a crash, and never starts a job twice. Gives up at the signal. */
  start(job: BackendJob, signal?: AbortSignal): Promise<StartOutcome>
  /** How these jobs are; a job that was never started is not in the answer. */
  observe(ids: string[]): Promise<Map<string, Observation>>
  /**
   * Asks for a graceful stop; a job that was not started yet will then never start, and is observed as ended. Idempotent,
   * and cheap when it was asked before: the loop asks at each turn until the job is seen to stop.
   */
  stop(id: string): Promise<void>
  /** The job's log as far as it is written; undefined when the backend has none (not started, or forgotten). */
  log(id: string): Promise<LogSource | undefined>
  /** Removes what the backend keeps of a job that has ended and whose outputs were taken over. Idempotent. */
  forget(id: string): Promise<void>
  /** The jobs that it keeps something of. */
  kept(): Promise<string[]>
  /** Calls back when a job may have changed, so that it is observed sooner than at the next turn. */
  onChange(listener: () => void): void
  /** What is being prepared, in words; null when jobs can start. */
  pending(): string | null
  /** Where people look at runs, once it is known. */
  trackingUri(): string | null
  /** Lets go of everything but running jobs. */
  close(options: { keepServer: boolean }): Promise<void>
}

/** What a part of the run is played on. */
import type { Job } from '../../../src/server/routes/schemas.ts'
import type { Killable } from '../killable.ts'
import type { Faults, History } from './history.ts'

export interface StageOptions {
  /** Empty, for all that it makes. */
  folder: string
  seed: number
  /** For what the services say. */
  output: number
  /** An interpreter that has mlflow, and its tracking server. */
  python: string
  trackingUri: string
}

export interface Stage {
  services: Killable[]
  /** How many callers there are. */
  patient: number
  hasty: number
  project(own?: number): Promise<Blob>
  parameters: object
  missingInput?: string
  /** How often each job's program ran; also those of jobs that nobody knows. */
  runs(): Promise<Map<string, number>>
  /** What is wrong with the log of a job that has ended so. */
  checkLog(job: Job, log: string): string[]
  /** More that must hold, once all is at rest and the services serve. */
  check?(history: History): Promise<Partial<Faults>>
  /** What is left over, once the services have ended. */
  leftovers(history: History): Promise<string[]>
  close(): Promise<void>
}

/** Loaded before the service's own code. */
export const crashPoints = new URL('../../fixtures/crash-points/index.ts', import.meta.url).href

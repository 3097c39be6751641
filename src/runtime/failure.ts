/** Why a job failed, and whose fault it is. */
import { constants } from 'node:os'
import { plainFailure } from '../contract/plain-failure.ts'
import type { Failure } from '../contract/run-report.ts'
import { lastLines, readTraceback } from './read-traceback.ts'

type Kind = Failure['kind']

/** An error whose message is for the job's owner. Every other error is the platform's. */
export class TrainingError extends Error {
  override readonly name = 'TrainingError'
  readonly kind: Kind
  /** The class of the exception that MLflow raised, where one did. */
  readonly type: string | null

  constructor(
    kind: Kind,
    message: string,
    { type = null, ...options }: ErrorOptions & { type?: string | null } = {}
  ) {
    super(message, options)
    this.kind = kind
    this.type = type
  }
}

export const userError = (message: string, options?: ErrorOptions) =>
  new TrainingError('user', message, options)

export const stoppedError = () => new TrainingError('stopped', 'The job was stopped on request.')

/** The failure that an error of ours, of MLflow's or of the system means. */
export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (!(error instanceof TrainingError)) return plainFailure('platform', message)
  return { ...plainFailure(error.kind, message), type: error.type }
}

/** The failure of a program that ended with an exit code other than 0, from the end of what it printed. */
export function programFailure(
  exitCode: number,
  { output, codeFolder, projectFolder }: ProgramOutput
): Failure {
  const signal = signalOf(exitCode)
  const found =
    signal === 'SIGKILL' ? undefined : readTraceback(output, { codeFolder, projectFolder })
  return {
    kind: 'user',
    type: found?.type ?? null,
    message: found?.message ?? withoutTraceback(exitCode, signal, output),
    file: found?.file ?? null,
    line: found?.line ?? null,
    traceback: found?.traceback ?? null,
    exitCode
  }
}

export interface ProgramOutput {
  /** The end of what the program printed. */
  output: string
  codeFolder: string
  projectFolder: string
}

/** bash's code for a command that it did not find; it says so itself. */
const commandNotFound = 127

function withoutTraceback(exitCode: number, signal: string | undefined, output: string): string {
  const last = lastLines(output)
  if (exitCode === commandNotFound && last) return last
  const end = signal
    ? `The program was killed by ${signal}${signal === 'SIGKILL' ? ', usually because memory ran out' : ''}.`
    : `The program ended with exit code ${exitCode}.`
  return last ? `${end} It printed last: ${last}` : `${end} It printed nothing.`
}

function signalOf(exitCode: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => 128 + number === exitCode)?.[0]
}

import type { Failure } from './run-report.ts'

/** A failure of which no exception is known. */
export const plainFailure = (
  kind: Failure['kind'],
  message: string,
  exitCode: number | null = null
): Failure => ({ kind, type: null, message, file: null, line: null, traceback: null, exitCode })

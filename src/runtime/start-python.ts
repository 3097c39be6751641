/**
 * The process that imports MLflow, for longer than anything else of a job takes: it is to begin first, so nothing is loaded for
 * it that Node does not have.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Settings, Variables } from './settings.ts'

export interface Python {
  child: ChildProcess
  /** Its streams are closed; or why it could not be started. */
  ended: Promise<string | undefined>
}

export interface PythonOptions {
  python: string
  variables: Variables
  /** A folder that is there. */
  cwd: string
}

const script = join(import.meta.dirname, 'mlflow_project.py')

/** Begins to import MLflow. It speaks at its descriptor 3. */
export function startPython({ python, variables, cwd }: PythonOptions): Python {
  const child = spawn(python, ['-u', script], {
    cwd,
    env: variables,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe']
  })
  const ended = new Promise<string | undefined>(resolve => {
    child.once('close', () => resolve(undefined))
    child.once('error', error => resolve(error.message))
  })
  return { child, ended }
}

/** undefined where the variables that Python and MLflow begin with are not known yet, for they hold secrets that are to be read. */
export function startAhead({
  python,
  variables,
  arnVariables,
  secretReferences
}: Settings): Python | undefined {
  if (Object.keys(secretReferences).length > 0) return undefined
  return startPython({ python, variables: { ...variables, ...arnVariables }, cwd: tmpdir() })
}

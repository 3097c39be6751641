/** The user's program from its start to its end, and its end before its time. */
import { sendSignal } from '../system/send-signal.ts'
import { stoppedError } from './failure.ts'
import type { Mlflow } from './mlflow.ts'
import type { StartProgram } from './mlflow-calls.ts'

export interface RunProgramOptions {
  stopGraceSeconds: number
  signal: AbortSignal
  /** Gets the program's process group once it runs. */
  onStart(group: number): void
}

/** Answers the program's exit code. A stop throws: SIGINT to all of the program's processes, SIGKILL when the grace is over. */
export async function runProgram(
  mlflow: Mlflow,
  program: StartProgram,
  { stopGraceSeconds, signal, onStart }: RunProgramOptions
): Promise<number> {
  if (signal.aborted) throw stoppedError()
  let started = false
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    if (!started) return mlflow.interrupt()
    signalGroup(mlflow.group, 'SIGINT')
    timer = setTimeout(() => signalGroup(mlflow.group, 'SIGKILL'), stopGraceSeconds * 1000)
  }
  signal.addEventListener('abort', stop)
  try {
    await mlflow.startProgram(program)
    started = true
    onStart(mlflow.group)
    if (signal.aborted) stop()
    const exitCode = await mlflow.waitForProgram({ run_id: program.run_id })
    if (signal.aborted) throw stoppedError()
    return exitCode
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    signalGroup(mlflow.group, 'SIGKILL')
  }
}

/** Nobody may be left in the group. */
function signalGroup(group: number, signal: NodeJS.Signals): void {
  // Group 0 would be our own.
  if (group !== 0) sendSignal(-group, signal)
}

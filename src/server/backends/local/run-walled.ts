/** Runs a command behind a wall that is around no job, and ends all of it in time. */
import { execa } from 'execa'
import { sendSignal } from '../../../system/send-signal.ts'

export interface WalledOptions {
  environment: Record<string, string>
  milliseconds: number
  signal?: AbortSignal | undefined
}

/** On which bwrap says what the number of the first process behind the wall is. */
const infoDescriptor = 5

/**
 * Throws execa's error where it fails, or is ended. That a bwrap is killed is not enough: before its child is set up, that
 * waits for it for ever (it is of its group still), and for a moment afterwards does not die with it (its number was told).
 */
export async function runWalled(
  [command = '', ...words]: string[],
  { environment, milliseconds, signal }: WalledOptions
) {
  const ending = AbortSignal.any([AbortSignal.timeout(milliseconds), ...(signal ? [signal] : [])])
  ending.throwIfAborted()
  const running = execa(command, ['--info-fd', String(infoDescriptor), ...words], {
    cwd: '/',
    env: environment,
    extendEnv: false,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe', 'pipe']
  })
  const { pid } = running
  let info = ''
  const endFirst = () => {
    const [, first] = /"child-pid": *(\d+)/.exec(info) ?? []
    if (ending.aborted && first) sendSignal(Number(first), 'SIGKILL')
  }
  const end = () => {
    if (pid !== undefined) sendSignal(-pid, 'SIGKILL')
    endFirst()
  }
  running.stdio[infoDescriptor]?.on('data', chunk => {
    info += chunk
    endFirst()
  })
  ending.addEventListener('abort', end)
  try {
    return await running
  } finally {
    ending.removeEventListener('abort', end)
  }
}

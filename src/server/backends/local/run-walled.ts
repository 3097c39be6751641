/** Runs a command behind a wall that is around no job, and ends all of it in time. */
import { execa } from 'execa'
import { sendSignal } from '../../../system/send-signal.ts'

export interface WalledOptions {
  environment: Record<string, string>
  milliseconds: number
  signal?: AbortSignal | undefined
}

/**
 * Throws execa's error where it fails, or is ended. Ended as a group: a bwrap that is killed before its child is set up
 * leaves that behind, which waits for ever and holds the pipes open.
 */
export async function runWalled(
  [command = '', ...words]: string[],
  { environment, milliseconds, signal }: WalledOptions
) {
  const ending = AbortSignal.any([AbortSignal.timeout(milliseconds), ...(signal ? [signal] : [])])
  ending.throwIfAborted()
  const running = execa(command, words, {
    cwd: '/',
    env: environment,
    extendEnv: false,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe']
  })
  const { pid } = running
  const end = () => {
    if (pid !== undefined) sendSignal(-pid, 'SIGKILL')
  }
  ending.addEventListener('abort', end)
  try {
    return await running
  } finally {
    ending.removeEventListener('abort', end)
  }
}

/** Sweeps environments at the start and now and then, beside all else that the service does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type SweepEnvironmentsOptions, sweepEnvironments } from './sweep-environments.ts'

export interface EnvironmentSweeper {
  open(): void
  /** Returns when the sweep that is under way has ended. */
  close(): Promise<void>
}

const pauseMilliseconds = 10 * 60 * 1000

export function createEnvironmentSweeper(options: SweepEnvironmentsOptions): EnvironmentSweeper {
  const closing = new AbortController()
  const { signal } = closing
  let sweeping: Promise<void> | undefined

  async function sweepAgain(): Promise<void> {
    while (!signal.aborted) {
      await sweepEnvironments(options).catch(({ message }: Error) =>
        options.say(`Environments could not be swept; the next sweep tries again: ${message}`)
      )
      await sleep(pauseMilliseconds, undefined, { signal }).catch(() => {})
    }
  }

  return {
    open() {
      sweeping ??= sweepAgain()
    },
    async close() {
      closing.abort()
      await sweeping
    }
  }
}

/** Sweeps at the start and now and then. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type SweepOptions, sweep } from './sweep.ts'

export interface Sweeper {
  start(): void
  /** Ends after the job or project that is being deleted. */
  stop(): Promise<void>
}

const pauseMilliseconds = 10 * 60 * 1000

export function createSweeper(options: SweepOptions): Sweeper {
  const { log } = options
  const ended = new AbortController()
  let running: Promise<void> | undefined

  async function sweeps(): Promise<void> {
    const { signal } = ended
    while (!signal.aborted) {
      try {
        const swept = await sweep(options, signal)
        if (swept.jobs + swept.projects + swept.failed > 0) log.info(swept, 'swept')
      } catch (error) {
        log.error({ err: error }, 'a sweep was given up; the next one tries again')
      }
      await sleep(pauseMilliseconds, undefined, { signal }).catch(() => {})
    }
  }

  return {
    start() {
      running ??= sweeps()
    },
    async stop() {
      ended.abort()
      await running
    }
  }
}

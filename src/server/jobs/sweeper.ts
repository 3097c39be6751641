/** Sweeps at the start of a term and now and then; services that share a store leave it to the one that leads. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type SweepOptions, sweep } from './sweep.ts'

/** Sweeps until the signal comes, and ends after the job or project that is being deleted then. */
export type Sweeper = (signal: AbortSignal) => Promise<void>

const pauseMilliseconds = 10 * 60 * 1000

export const createSweeper =
  (options: SweepOptions): Sweeper =>
  async signal => {
    const { log } = options
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

/** Ends queued jobs of which a stop was asked for, for a while: those that run are not to wait for all of them. */
import pMap from 'p-map'
import type { JobRecord } from './job.ts'
import type { QueuedOptions } from './start-queued.ts'

export interface StopOptions extends Pick<QueuedOptions, 'store' | 'isBusy' | 'stop' | 'guarded'> {
  milliseconds: number
}

const pageJobs = 200
const concurrency = 8

/** Answers whether there was no time for some of them. */
export async function stopQueued(options: StopOptions): Promise<boolean> {
  const { store, isBusy, guarded, stop, milliseconds } = options
  /** When the first page was there: however slow the store is, some are stopped in each turn. */
  let begun: number | undefined
  let late = false
  let after: string | undefined
  for (;;) {
    const page = await store.oldest(['queued'], pageJobs, { stopRequested: true, after })
    begun ??= performance.now()
    await pMap(
      page.filter(({ id }) => !isBusy(id)),
      stopInTime,
      { concurrency }
    )
    if (late || page.length < pageJobs) return late
    after = page.at(-1)?.id
  }

  async function stopInTime(job: JobRecord): Promise<void> {
    if (begun !== undefined && performance.now() - begun > milliseconds) late = true
    else await guarded(job, () => stop(job))
  }
}

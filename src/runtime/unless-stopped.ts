import { stoppedError } from './failure.ts'

/** What `work` answers; throws at once when a stop is asked for, and does not wait for it. */
export async function unlessStopped<Result>(
  signal: AbortSignal,
  work: Promise<Result>
): Promise<Result> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(stoppedError())
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  return Promise.race([work, stopped])
}

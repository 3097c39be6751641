/** Requests one after the other, each timed. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds of each, its body read. Throws where one is no success. */
export async function timeRequests(
  count: number,
  request: () => Promise<Response>,
  pauseMilliseconds = 0
): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const start = performance.now()
    const response = await request()
    await response.arrayBuffer()
    times.push(performance.now() - start)
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}`)
    if (pauseMilliseconds) await sleep(pauseMilliseconds)
  }
  return times
}

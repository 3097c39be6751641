/** One stream of a job's log, read forward page by page; no more than one page is kept. */
import type { OutputLogEvent } from '@aws-sdk/client-cloudwatch-logs'
import type { LogCalls } from './log-calls.ts'
import type { Position } from './log-state.ts'

export interface LogStream {
  readonly name: string
  /** Of the host that prints to it: 2 for algo-2. */
  readonly host: number
  /** Behind the events that were taken. */
  position(): Position
  /** The next event, where one is here already. */
  peek(): OutputLogEvent | undefined
  take(): OutputLogEvent
  /** Asks on until there is an event to take; false: the stream has no more for now. */
  fill(): Promise<boolean>
}

/** `name` is `<job>/algo-<host>-<time>`. */
export function createLogStream(
  name: string,
  calls: LogCalls,
  from: Position = { token: null, skip: 0, taken: 0 }
): LogStream {
  let { token, skip, taken } = from
  let events: OutputLogEvent[] = []
  /** The page behind the one that is here. */
  let next = token

  function turnPage(): void {
    // A page that is the last so far is asked for again, for what comes behind its events.
    if (next !== token) skip -= events.length
    token = next
    events = []
  }

  return {
    name,
    host: Number(/-(\d+)-\d+$/.exec(name)?.[1] ?? 0),
    position: () => ({ token, skip, taken }),
    peek: () => events[skip],
    take() {
      const event = events[skip]
      if (!event) throw new RangeError(`There is no event of ${name} to take: fill it before.`)
      skip++
      taken++
      if (skip === events.length) turnPage()
      return event
    },
    async fill() {
      while (!events[skip]) {
        const page = await calls.page(name, token)
        if (page === undefined) return false
        if (page === 'invalid token') {
          token = null
          skip = taken
          continue
        }
        events = page.events
        next = page.next
        if (events[skip]) return true
        const isEnd = next === token
        // What was taken of it and is no longer there has outlived the group's retention.
        if (isEnd) skip = events.length
        turnPage()
        if (isEnd) return false
      }
      return true
    }
  }
}

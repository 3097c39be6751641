/** The streams of all hosts as one, by time. */
import type { OutputLogEvent } from '@aws-sdk/client-cloudwatch-logs'
import pMap from 'p-map'
import type { LogStream } from './log-stream.ts'

const concurrency = 4

export interface MergedEvent {
  host: number
  event: OutputLogEvent
}

/**
 * What the streams have now, oldest first; at the same time the lower host is first, and what one stream has stays in
 * its order. In runs that need no asking; an event of a run that was given counts as taken.
 */
export async function* mergeStreams(streams: LogStream[]): AsyncGenerator<MergedEvent[]> {
  await pMap(streams, stream => stream.fill(), { concurrency })
  let open = streams.filter(stream => stream.peek()).sort(byHost)
  while (open.length > 0) {
    const run: MergedEvent[] = []
    let empty: LogStream | undefined
    while (!empty) {
      const stream = earliest(open)
      run.push({ host: stream.host, event: stream.take() })
      if (!stream.peek()) empty = stream
    }
    yield run
    if (!(await empty.fill())) open = open.filter(stream => stream !== empty)
  }
}

function earliest(streams: LogStream[]): LogStream {
  return streams.reduce((first, stream) => (timeOf(stream) < timeOf(first) ? stream : first))
}

const timeOf = (stream: LogStream) => stream.peek()?.timestamp ?? 0

/** Those of one host are named by the time at which they began. */
const byHost = (one: LogStream, other: LogStream) =>
  one.host - other.host || one.name.localeCompare(other.name)

/** Amazon CloudWatch Logs, as far as training jobs are read there. */
import type {
  DescribeLogStreamsRequest,
  GetLogEventsRequest
} from '@aws-sdk/client-cloudwatch-logs'
import type { Knobs } from './knobs.ts'
import { ServiceError } from './service-error.ts'
import { region } from './training-job.ts'
import type { Operation } from './wire.ts'

export const logGroup = '/aws/sagemaker/TrainingJobs'

interface LogEvent {
  /** Milliseconds since 1970. */
  timestamp: number
  ingestionTime: number
  message: string
}

export interface Logs {
  /** The stream is there from its first line on. */
  write(stream: string, line: string): void
  operations: Record<string, Operation>
}

const eventBytes = 262_118
const pageEvents = 10_000
const pageBytes = 1024 * 1024
/** What an event counts besides its text. */
const eventOverhead = 26

export function createLogs(knobs: Knobs): Logs {
  const streams = new Map<string, { creationTime: number; events: LogEvent[] }>()

  function requireGroup(name: string | undefined): void {
    if (name !== logGroup || streams.size === 0) throw notFound('group')
  }

  function describeLogStreams(request: DescribeLogStreamsRequest) {
    requireGroup(request.logGroupName)
    const { logStreamNamePrefix: prefix = '', limit = 50, nextToken } = request
    const [after = '', wasEmpty] = nextToken?.split('|') ?? []
    const names = [...streams.keys()].filter(name => name.startsWith(prefix) && name > after).sort()
    if (knobs.emptyPages && !wasEmpty && names.length > 0)
      return { logStreams: [], nextToken: `${after}|empty` }
    const page = names.slice(0, limit)
    return {
      logStreams: page.map(describe),
      ...(names.length > limit ? { nextToken: `${page.at(-1)}` } : {})
    }
  }

  function describe(name: string) {
    const { creationTime = 0, events = [] } = streams.get(name) ?? {}
    return {
      logStreamName: name,
      creationTime,
      firstEventTimestamp: events[0]?.timestamp,
      lastEventTimestamp: events.at(-1)?.timestamp,
      lastIngestionTime: events.at(-1)?.ingestionTime,
      arn: `arn:aws:logs:${region}:${knobs.account}:log-group:${logGroup}:log-stream:${name}`,
      storedBytes: 0
    }
  }

  function getLogEvents(request: GetLogEventsRequest) {
    requireGroup(request.logGroupName)
    const stream = streams.get(request.logStreamName ?? '')
    if (!stream) throw notFound('stream')
    const { startTime = 0, endTime = Number.POSITIVE_INFINITY, limit = pageEvents } = request
    const { events } = stream
    const { direction, position, wasEmpty } = readToken(request, events.length)
    const isForward = direction === 'f'
    if (knobs.emptyPages && !wasEmpty && (isForward ? position < events.length : position > 0))
      return { events: [], ...tokens(position, position, 'empty') }
    const rest = isForward ? events.slice(position) : events.slice(0, position).reverse()
    const page = firstPage(rest, limit)
    const [first, last] = isForward
      ? [position, position + page.length]
      : [position - page.length, position]
    const inTime = page.filter(({ timestamp: at }) => at >= startTime && at < endTime)
    return { events: isForward ? inTime : inTime.reverse(), ...tokens(first, last) }
  }

  return {
    write(name, line) {
      const now = Date.now()
      const stream = streams.get(name) ?? { creationTime: now, events: [] }
      // An empty line is no event: Docker's log driver leaves it out, and splits a long one.
      for (let start = 0; start < line.length; start += eventBytes) {
        streams.set(name, stream)
        const message = line.slice(start, start + eventBytes)
        stream.events.push({ timestamp: now, ingestionTime: now, message })
      }
    },
    operations: { DescribeLogStreams: describeLogStreams, GetLogEvents: getLogEvents }
  }
}

const notFound = (what: string) =>
  new ServiceError('ResourceNotFoundException', `The specified log ${what} does not exist.`)

function readToken({ nextToken, startFromHead }: GetLogEventsRequest, count: number) {
  if (nextToken === undefined) {
    return startFromHead
      ? { direction: 'f', position: 0, wasEmpty: false }
      : { direction: 'b', position: count, wasEmpty: false }
  }
  const [, direction = '', position, kind] = /^([fb])\/(\d+)\/(\w+)$/.exec(nextToken) ?? []
  if (!direction)
    throw new ServiceError('InvalidParameterException', 'The specified nextToken is invalid.')
  return { direction, position: Number(position), wasEmpty: kind === 'empty' }
}

/** At the end the forward token stays as it is. */
function tokens(first: number, last: number, kind = 's') {
  const text = (position: number) => String(position).padStart(12, '0')
  return {
    nextForwardToken: `f/${text(last)}/${kind}`,
    nextBackwardToken: `b/${text(first)}/${kind}`
  }
}

function firstPage(events: LogEvent[], limit: number): LogEvent[] {
  let bytes = 0
  const end = events.findIndex(({ message }, index) => {
    bytes += Buffer.byteLength(message) + eventOverhead
    return index === limit || (bytes > pageBytes && index > 0)
  })
  return end < 0 ? events : events.slice(0, end)
}

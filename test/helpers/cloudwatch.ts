/** CloudWatch Logs' two reading operations on loopback, over streams that a test fills event by event. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  CloudWatchLogsClient,
  type DescribeLogStreamsRequest,
  type GetLogEventsRequest
} from '@aws-sdk/client-cloudwatch-logs'
import type { Test } from 'tap'

interface LogEvent {
  timestamp: number
  message: string
}

export interface CloudWatch {
  client: CloudWatchLogsClient
  /** The operations that were asked for, in their order. */
  calls: { operation: string; stream?: string | undefined }[]
  /** How many calls of the operation there were. */
  count(operation: string): number
  /** Adds events at these times; the group and the stream are there from the first one on. */
  print(stream: string, ...events: [timestamp: number, message: string][]): void
  /** How many events a page has at most. */
  pageEvents: number
  /** Each page comes only after an empty one. */
  emptyPages: boolean
  /** How many streams a page of DescribeLogStreams has at most. */
  pageStreams: number
  /** Called before a call is answered; an error that it names is the answer. */
  refuse: (operation: string) => { name: string; status: number; message: string } | undefined
  /** Tokens that were given until now are refused from now on. */
  expireTokens(): void
}

export const throttled = { name: 'ThrottlingException', status: 400, message: 'Rate exceeded' }

export async function startCloudWatch(t: Test): Promise<CloudWatch> {
  const streams = new Map<string, LogEvent[]>()
  let generation = 0

  const operations: Record<string, (request: never) => object | undefined> = {
    DescribeLogStreams(request: DescribeLogStreamsRequest) {
      if (streams.size === 0) return undefined
      const { logStreamNamePrefix: prefix = '', nextToken = '0' } = request
      const names = [...streams.keys()].filter(name => name.startsWith(prefix)).sort()
      const end = Number(nextToken) + cloudWatch.pageStreams
      return {
        logStreams: names.slice(Number(nextToken), end).map(logStreamName => ({ logStreamName })),
        ...(end < names.length ? { nextToken: String(end) } : {})
      }
    },
    GetLogEvents({ logStreamName = '', nextToken }: GetLogEventsRequest) {
      const events = streams.get(logStreamName)
      if (!events) return undefined
      const [, tokenGeneration, position = '0', kind] = (nextToken ?? `f/${generation}/0/`).split(
        '/'
      )
      if (Number(tokenGeneration) < generation)
        return error('InvalidParameterException', 'The specified nextToken is invalid.')
      const start = Number(position)
      if (cloudWatch.emptyPages && kind !== 'empty' && start < events.length)
        return { events: [], nextForwardToken: `f/${generation}/${start}/empty` }
      const page = events.slice(start, start + cloudWatch.pageEvents)
      return { events: page, nextForwardToken: `f/${generation}/${start + page.length}/` }
    }
  }

  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? ''
    const input = JSON.parse(await text(request))
    cloudWatch.calls.push({ operation, stream: input.logStreamName })
    const refusal = cloudWatch.refuse(operation)
    const answer = refusal
      ? error(refusal.name, refusal.message, refusal.status)
      : (operations[operation]?.(input as never) ??
        error('ResourceNotFoundException', 'The specified log group or stream does not exist.'))
    const { status = 200, ...body } = answer as { status?: number }
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new CloudWatchLogsClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    // What is tried again is then our own doing, and is counted.
    maxAttempts: 1
  })
  t.teardown(() => {
    client.destroy()
    server.close()
    server.closeAllConnections()
  })
  const cloudWatch: CloudWatch = {
    client,
    calls: [],
    count: wanted => cloudWatch.calls.filter(({ operation }) => operation === wanted).length,
    print(stream, ...events) {
      const known = streams.get(stream) ?? []
      streams.set(stream, known)
      for (const [timestamp, message] of events) known.push({ timestamp, message })
    },
    pageEvents: 10_000,
    emptyPages: false,
    pageStreams: 50,
    refuse: () => undefined,
    expireTokens: () => void generation++
  }
  return cloudWatch
}

const error = (name: string, message: string, status = 400) => ({ __type: name, message, status })

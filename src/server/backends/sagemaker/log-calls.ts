/** The two calls to CloudWatch Logs, tried again as long as that can help. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  GetLogEventsCommand,
  InvalidParameterException,
  type OutputLogEvent
} from '@aws-sdk/client-cloudwatch-logs'

export const logGroup = '/aws/sagemaker/TrainingJobs'

const longestWaitMilliseconds = 30_000

/** Policies take a while to be known everywhere. A log that is not collected when its job has ended never is. */
const deniedAgain = 3

export interface LogPage {
  events: OutputLogEvent[]
  /** The token that was sent: there is no more for now. */
  next: string | null
}

export interface LogCalls {
  /** The names of the job's streams; none while it has printed nothing. */
  streams(id: string): Promise<string[]>
  /** undefined: there is no such stream; "invalid token": it must be read from its beginning again. */
  page(stream: string, token: string | null): Promise<LogPage | 'invalid token' | undefined>
}

export interface LogCallsOptions {
  client: CloudWatchLogsClient
  /** The first pause before a call is tried again. */
  pauseMilliseconds: number
  /** After that time of trying a call counts as one that cannot succeed. */
  patienceMilliseconds: number
}

/** A call cannot succeed; the message says why, and what would be right. */
export class LogsUnavailable extends Error {}

export function createLogCalls(options: LogCallsOptions, signal: AbortSignal): LogCalls {
  const { client } = options

  /** Answers undefined where the group or the stream is missing. */
  async function patiently<T>(call: () => Promise<T>): Promise<T | undefined> {
    const givesUpAt = performance.now() + options.patienceMilliseconds
    let denials = 0
    for (let pause = options.pauseMilliseconds; ; pause *= 2) {
      try {
        return await call()
      } catch (error) {
        signal.throwIfAborted()
        const { name, status, message } = describe(error)
        if (name === 'ResourceNotFoundException') return undefined
        const mayPass = isDenial(name) && ++denials <= deniedAgain
        if ((isPermanent(name, status) && !mayPass) || performance.now() > givesUpAt)
          throw new LogsUnavailable(`${name}: ${message}${advice(name)}`, { cause: error })
        await sleep(Math.random() * Math.min(pause, longestWaitMilliseconds), undefined, { signal })
      }
    }
  }

  return {
    async streams(id) {
      const names: string[] = []
      let nextToken: string | undefined
      do {
        const answer = await patiently(() =>
          client.send(
            new DescribeLogStreamsCommand({
              logGroupName: logGroup,
              // With the slash: the streams of job-10 begin with "job-1" as well.
              logStreamNamePrefix: `${id}/`,
              orderBy: 'LogStreamName',
              nextToken
            }),
            { abortSignal: signal }
          )
        )
        for (const { logStreamName } of answer?.logStreams ?? [])
          if (logStreamName) names.push(logStreamName)
        nextToken = answer?.nextToken
      } while (nextToken)
      return names
    },
    async page(stream, token) {
      const command = new GetLogEventsCommand({
        logGroupName: logGroup,
        logStreamName: stream,
        startFromHead: true,
        nextToken: token ?? undefined
      })
      try {
        const answer = await patiently(() => client.send(command, { abortSignal: signal }))
        return answer && { events: answer.events ?? [], next: answer.nextForwardToken ?? token }
      } catch (error) {
        // Tokens are said to expire after 24 hours.
        const { cause } = error as Error
        if (token !== null && cause instanceof InvalidParameterException) return 'invalid token'
        throw error
      }
    }
  }
}

function describe(error: unknown): { name: string; status: number | undefined; message: string } {
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  return { name, message, status: $metadata?.httpStatusCode }
}

/** Without a status there was no answer: no connection, or no credentials for the moment. */
const isPermanent = (name: string, status = 500) =>
  status < 500 && status !== 429 && !/throttl|toomany|limitexceeded|timeout/i.test(name)

const isDenial = (name: string) => name.startsWith('AccessDenied')

const advice = (name: string) =>
  isDenial(name)
    ? ` (The service needs logs:DescribeLogStreams and logs:GetLogEvents on the log group ${logGroup}.)`
    : ''

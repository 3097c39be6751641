/** A job's log: as text, or as server-sent events. */
import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Log } from '../jobs/read-log.ts'
import type { Places } from '../places.ts'
import { JobParams } from './jobs.ts'
import { logEvents } from './log-events.ts'
import { checkLogQuery, LogQuery, lastEventOffset } from './log-query.ts'
import { problems } from './schemas.ts'
import { createWaitingSignal } from './waiting-signal.ts'

export interface LogRoutesOptions {
  places: Places
  /** So often a silent stream of events shows that it lives. */
  heartbeatMilliseconds?: number
}

export const logRoutes: FastifyPluginAsyncTypebox<LogRoutesOptions> = async (
  app,
  { places, heartbeatMilliseconds = 15_000 }
) => {
  const waitingSignal = createWaitingSignal(app, places, 'followers')

  app.get(
    '/jobs/:id/logs',
    {
      // A follower learns at once that it is heard, however long the job is silent.
      onSend: async (_request, reply) => {
        setImmediate(() => reply.raw.flushHeaders())
      },
      schema: {
        operationId: 'getLogs',
        tags: ['jobs'],
        summary: 'Read a job’s log, or follow it',
        description:
          'As text: the log’s bytes. As events (`Accept: text/event-stream`): `log` with the data `{"text", "offset"}`, whose id is the byte behind it; a client that was cut off sends the last id as `Last-Event-ID` and misses nothing. `end` with `{"status", "statusReason", "failure"}` says that the job has ended, and how; a stream that closes without it is to be resumed.',
        params: JobParams,
        querystring: LogQuery,
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({
              description: 'For events: goes on there, whatever the query says.',
              examples: ['4096']
            })
          )
        }),
        response: {
          200: {
            description: 'What the job has printed.',
            headers,
            content: {
              'text/plain': { schema: text('epoch 1\n') },
              'text/event-stream': {
                schema: text('id: 8\nevent: log\ndata: {"text":"epoch 1\\n","offset":0}\n\n')
              }
            }
          },
          ...problems(404, 416, 429)
        }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const { query } = request
      const asEvents = wantsEvents(request.headers.accept)
      checkLogQuery(query, asEvents)
      const last = asEvents ? lastEventOffset(request.headers['last-event-id']) : undefined
      const signal = asEvents || query.follow ? waitingSignal(reply) : undefined
      const log = await request.jobs.log(id, {
        ...(last === undefined ? query : { offset: last }),
        follow: signal,
        idleMilliseconds: asEvents ? heartbeatMilliseconds : undefined
      })
      reply
        .type(asEvents ? 'text/event-stream; charset=utf-8' : 'text/plain; charset=utf-8')
        .headers({
          'log-offset': log.offset,
          'log-size': log.sizeBytes,
          'log-complete': String(log.complete),
          'cache-control': 'private, no-cache',
          vary: 'accept',
          'x-content-type-options': 'nosniff',
          // Some proxies would keep back what followers wait for.
          'x-accel-buffering': 'no'
        })
      if (log.lengthBytes !== undefined) reply.header('content-length', log.lengthBytes)
      if (request.method === 'HEAD') return reply.send(Readable.from([]))
      const ended = async () => (signal?.aborted ? undefined : request.jobs.get(id))
      const body = asEvents ? logEvents(log, ended) : wholeText(log, signal)
      return reply.send(Readable.from(body, { objectMode: false }))
    }
  )
}

/** Where both are named, the first. */
function wantsEvents(accept = ''): boolean {
  const types = accept.split(',').map(type => type.split(';')[0]?.trim().toLowerCase())
  const [first] = types.filter(type => type === 'text/event-stream' || type === 'text/plain')
  return first === 'text/event-stream'
}

/** A text that was cut off must not look like one that has come to its end. */
async function* wholeText({ chunks }: Log, signal: AbortSignal | undefined) {
  yield* chunks
  signal?.throwIfAborted()
}

const text = (example: string) => Type.Unsafe<Readable>({ type: 'string', examples: [example] })

const headers = {
  'Log-Offset': { type: 'integer', description: 'The byte of the log at which this begins.' },
  'Log-Size': { type: 'integer', description: 'How many bytes the log has now.' },
  'Log-Complete': {
    type: 'boolean',
    description: 'true: the job has ended, and its log will not grow.'
  }
}

/** A job's log as text. */
import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Jobs } from '../jobs/index.ts'
import { JobParams } from './jobs.ts'
import { problems } from './schemas.ts'

export const logRoutes: FastifyPluginAsyncTypebox<{ jobs: Jobs }> = async (app, { jobs }) => {
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())

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
        params: JobParams,
        querystring: Type.Object({
          tail: Type.Optional(
            Type.Integer({ minimum: 0, description: 'Only the last so many lines.' })
          ),
          follow: Type.Boolean({
            default: false,
            description: 'Goes on with what the job prints, and ends when the job ends.'
          })
        }),
        response: {
          200: {
            description: 'What the job has printed.',
            content: { 'text/plain': { schema: Type.Unsafe<Readable>({ type: 'string' }) } }
          },
          ...problems(400, 404, 503)
        }
      }
    },
    async (request, reply) => {
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const chunks = await jobs.log(request.params.id, {
        ...request.query,
        signal: AbortSignal.any([gone.signal, closing.signal])
      })
      return reply
        .type('text/plain; charset=utf-8')
        .header('x-content-type-options', 'nosniff')
        .send(Readable.from(chunks, { objectMode: false }))
    }
  )
}

/** What a job leaves: metrics, and the model. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Jobs } from '../jobs/index.ts'
import type { Storage } from '../storage/index.ts'
import { JobParams } from './jobs.ts'
import { Metrics, ModelFileList, problems, Ref } from './schemas.ts'
import { sendObject } from './send-object.ts'

export interface ResultRoutesOptions {
  jobs: Jobs
  storage: Storage
}

const fileName = 'model.tar.gz'
/** Long enough to begin a download, which may then take longer. */
const urlSeconds = 300

export const resultRoutes: FastifyPluginAsyncTypebox<ResultRoutesOptions> = async (
  app,
  { jobs, storage }
) => {
  app.get(
    '/jobs/:id/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        tags: ['results'],
        summary: 'The run’s metrics, with their history and those of child runs',
        description: 'Empty until the job has ended.',
        params: JobParams,
        response: { 200: Ref(Metrics), ...problems(404, 503) }
      }
    },
    async request => {
      const report = await jobs.report(request.params.id)
      return {
        metrics: report?.metrics ?? {},
        history: report?.metricHistory ?? {},
        childRuns: report?.childRuns ?? []
      }
    }
  )

  app.get(
    '/jobs/:id/model',
    {
      schema: {
        operationId: 'getModel',
        tags: ['results'],
        summary: 'Download model.tar.gz',
        params: JobParams,
        querystring: Type.Object(
          {
            redirect: Type.Boolean({
              default: false,
              description:
                'true: where models are kept in S3, the answer leads there, so that the bytes do not pass through the service. Otherwise the archive itself is answered.'
            })
          },
          { additionalProperties: false }
        ),
        headers: Type.Object({
          range: Type.Optional(Type.String({ examples: ['bytes=0-1023'] })),
          'if-range': Type.Optional(Type.String()),
          'if-none-match': Type.Optional(Type.String())
        }),
        response: {
          200: archive('The whole archive.'),
          206: archive('The range that was asked for.'),
          304: Type.Unsafe<undefined>({ type: 'null', description: 'You have it already.' }),
          307: Type.Unsafe<undefined>({
            type: 'null',
            description: `Location is a URL that gives the archive to anybody for ${urlSeconds} seconds. Only with redirect=true.`,
            headers: { Location: { type: 'string', format: 'uri' } }
          }),
          ...problems(400, 404, 409, 416, 503)
        }
      }
    },
    async (request, reply) => {
      const { key, object } = await jobs.model(request.params.id)
      const location = request.query.redirect
        ? await storage.temporaryUrl(key, { seconds: urlSeconds, fileName })
        : undefined
      if (location) return reply.header('cache-control', 'no-store').redirect(location, 307)
      reply.header('content-disposition', `attachment; filename="${fileName}"`)
      return sendObject(request, reply.type('application/gzip'), object, range =>
        storage.read(key, range)
      )
    }
  )

  app.get(
    '/jobs/:id/model/files',
    {
      schema: {
        operationId: 'listModelFiles',
        tags: ['results'],
        summary: 'The files in model.tar.gz, with size and SHA-256',
        params: JobParams,
        response: { 200: Ref(ModelFileList), ...problems(404, 409, 503) }
      }
    },
    async request => {
      await jobs.model(request.params.id)
      const report = await jobs.report(request.params.id)
      return { items: report?.files ?? [], nextCursor: null }
    }
  )
}

const archive = (description: string) => ({
  description,
  content: {
    'application/gzip': { schema: Type.Unsafe<Blob>({ type: 'string', format: 'binary' }) }
  }
})

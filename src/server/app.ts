/** The HTTP side: routes, errors, documentation. Builds; main.ts runs. */
import { randomUUID } from 'node:crypto'
import multipart from '@fastify/multipart'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify'
import type { Backend } from './backends/index.ts'
import { ShuttingDown } from './errors.ts'
import type { Jobs } from './jobs/index.ts'
import type { Projects } from './jobs/projects.ts'
import { notFound, toProblem } from './problem.ts'
import { refuseCrossSite } from './refuse-cross-site.ts'
import { jobRoute } from './routes/job.ts'
import { jobRoutes } from './routes/jobs.ts'
import { logRoutes } from './routes/logs.ts'
import { modelRoutes } from './routes/model.ts'
import { modelFileRoutes } from './routes/model-files.ts'
import { operationRoutes } from './routes/operations.ts'
import { projectSchemas } from './routes/project-schemas.ts'
import { projectRoutes } from './routes/projects.ts'
import { resultRoutes } from './routes/results.ts'
import { sharedSchemas } from './routes/schemas.ts'
import { submissionSchemas } from './routes/submission-schemas.ts'
import { submissionRoutes } from './routes/submissions.ts'
import type { Storage } from './storage/index.ts'
import type { Store } from './store/index.ts'
import { version } from './version.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a body that is not checked by its schema but as a whole, with all faults at once. */
    documentedBody?: object
  }
}

export interface AppOptions {
  jobs: Jobs
  projects: Projects
  store: Store
  storage: Storage
  backend: Backend
  /** For temporary files. */
  folder: string
  uploadBytes: number
  /** Whether only this machine may reach the service. */
  onlyLocal: boolean
  logger: NonNullable<FastifyServerOptions['logger']>
}

export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    return503OnClosing: false,
    ajv: {
      customOptions: {
        // One value of ?status= is a list of one.
        coerceTypes: 'array',
        // Every fault is told, and unknown names are faults.
        allErrors: true,
        removeAdditional: false,
        // Infinity, which ?limit=1e400 is, would pass every maximum.
        strictNumbers: false
      }
    }
  }).withTypeProvider<TypeBoxTypeProvider>()

  // Numbers of a job's parameters are JSON.rawJSON, which no serializer made from a schema would know.
  app.setSerializerCompiler(() => JSON.stringify)
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    if (closing) throw new ShuttingDown()
    refuseCrossSite(request, options)
  })
  app.addHook('onResponse', async (request, reply) => {
    const level = request.method === 'GET' || request.method === 'HEAD' ? 'debug' : 'info'
    const { method, url } = request
    request.log[level](
      { method, url, status: reply.statusCode, milliseconds: Math.round(reply.elapsedTime) },
      'request'
    )
  })
  app.setErrorHandler(toProblem)
  app.setNotFoundHandler(notFound)
  for (const schema of [...sharedSchemas, ...submissionSchemas, ...projectSchemas])
    app.addSchema(schema)

  await app.register(multipart)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'mlflow-jobs',
        version,
        description:
          'Runs MLflow projects as training jobs: send a project and its parameters in one request, follow its log, take its metrics and its model.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }
      },
      servers: [{ url: '/', description: 'This service.' }],
      tags: [
        { name: 'jobs', description: 'Submit, look at and stop training jobs.' },
        { name: 'projects', description: 'Projects without a job, named by their digest.' },
        { name: 'results', description: 'What jobs leave.' },
        { name: 'operations', description: 'For those who run the service.' }
      ],
      security: []
    },
    transform: ({ schema, url, route }) => {
      const { documentedBody: body } = route.config ?? {}
      return { url, schema: body ? { ...schema, body } : schema }
    },
    refResolver: { buildLocalReference: json => String(json.$id) }
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  await app.register(submissionRoutes, options)
  await app.register(jobRoutes, options)
  await app.register(jobRoute, options)
  await app.register(projectRoutes, options)
  await app.register(logRoutes, options)
  await app.register(resultRoutes, options)
  await app.register(modelRoutes, options)
  await app.register(modelFileRoutes, options)
  await app.register(operationRoutes, options)
  return app
}

/** The caller's id where it is harmless, so that one request can be found in the logs of all services. */
const requestId = (given: string | string[] | undefined) =>
  typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID()

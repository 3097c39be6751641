/** The HTTP side: routes, errors, documentation. Builds; main.ts runs. */
import { randomUUID } from 'node:crypto'
import multipart from '@fastify/multipart'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify'
import type { Backend, Isolation } from './backends/index.ts'
import type { Callers } from './callers/index.ts'
import type { Disk } from './disk.ts'
import { noRoute } from './http/allowed-methods.ts'
import { addConventions, type ConventionOptions } from './http/conventions.ts'
import { addDocumentation } from './http/documentation.ts'
import { toProblem } from './http/problem.ts'
import { refuseUnreadable } from './http/refuse-unreadable.ts'
import { serverOptions } from './http/server-options.ts'
import type { Jobs } from './jobs/index.ts'
import type { Places } from './places.ts'
import type { ProjectLimits } from './projects/index.ts'
import { Discovery, discoveryRoutes } from './routes/discovery.ts'
import { documentRoutes } from './routes/documents.ts'
import { jobRoute } from './routes/job.ts'
import { jobRoutes } from './routes/jobs.ts'
import { logRoutes } from './routes/logs.ts'
import { metricRoutes } from './routes/metrics.ts'
import { modelRoutes } from './routes/model.ts'
import { modelFileRoutes } from './routes/model-files.ts'
import { operationRoutes } from './routes/operations.ts'
import { provenanceSchemas } from './routes/present-provenance.ts'
import { projectSchemas } from './routes/project-schemas.ts'
import { projectRoutes } from './routes/projects.ts'
import { provenanceRoutes } from './routes/provenance.ts'
import { addJobs } from './routes/request-jobs.ts'
import { resultRoutes } from './routes/results.ts'
import { problems, sharedSchemas } from './routes/schemas.ts'
import { submissionSchemas } from './routes/submission-schemas.ts'
import { submissionRoutes } from './routes/submissions.ts'
import type { Storage } from './storage/index.ts'
import type { Store } from './store/index.ts'

export interface AppOptions extends ConventionOptions {
  jobs: Jobs
  /** Without it nobody is asked who they are. */
  callers?: Callers | undefined
  store: Store
  storage: Storage
  backend: Backend
  isolation: Isolation
  /** For temporary files. */
  folder: string
  limits: ProjectLimits
  places: Places
  disk: Disk
  /** Most at once; any number where it is not given. */
  connections?: number
  /** Addresses, parted by commas, whose X-Forwarded-For says who asks. */
  trustedProxies: string | undefined
  logger: NonNullable<FastifyServerOptions['logger']>
}

const apiSchemas = [
  ...sharedSchemas,
  ...submissionSchemas,
  ...projectSchemas,
  ...provenanceSchemas,
  Discovery
]

export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...serverOptions,
    logger: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    return503OnClosing: false,
    trustProxy: options.trustedProxies ?? false,
    frameworkErrors: toProblem,
    clientErrorHandler: refuseUnreadable,
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

  if (options.connections !== undefined) app.server.maxConnections = options.connections
  // Numbers of a job's parameters are JSON.rawJSON, which no serializer made from a schema would know.
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(toProblem)
  app.setNotFoundHandler(noRoute)
  for (const schema of apiSchemas) app.addSchema(schema)

  app.decorateRequest('caller')
  addJobs(app, options.jobs)
  await addConventions(app, options)
  await app.register(multipart)
  await addDocumentation(app, problems(400, 401, 403, 429, 503))
  await app.register(submissionRoutes, options)
  await app.register(jobRoutes)
  await app.register(jobRoute, options)
  await app.register(projectRoutes, options)
  await app.register(logRoutes, { places: options.places })
  await app.register(resultRoutes)
  await app.register(modelRoutes, options)
  await app.register(modelFileRoutes, options)
  await app.register(discoveryRoutes, options)
  await app.register(provenanceRoutes, options)
  await app.register(operationRoutes, options)
  await app.register(metricRoutes, options)
  await app.register(documentRoutes)
  return app
}

/** The caller's id where it is harmless, so that one request can be found in the logs of all services. */
const requestId = (given: string | string[] | undefined) =>
  typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID()

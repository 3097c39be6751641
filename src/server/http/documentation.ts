/** The OpenAPI document from the routes' own schemas, and the pages at /docs that show it. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { version } from '../version.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a body that is not checked by its schema but as a whole, with all faults at once. */
    documentedBody?: object
  }
}

/** Before the routes that are to be in it. `everywhere`: what any request may be answered, besides what its route says. */
export async function addDocumentation(app: FastifyInstance, everywhere: object): Promise<void> {
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
      // None, or a key: the document is the same whether callers are asked who they are or not.
      security: [{}, { key: [] }],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description:
              'An API key, or an access token of the OpenID Connect issuer. Scopes: read for what is asked for, submit for what is made, stopped or deleted.'
          }
        }
      }
    },
    transform: ({ schema, url, route }) => {
      const { documentedBody: body } = route.config ?? {}
      const { operationId = '', response } = schema
      const added =
        route.method === 'HEAD'
          ? // Those that are shown have a name of their own, and no body that could be a problem.
            { operationId: operationId.replace(/-head$/, '') }
          : { response: { ...everywhere, ...Object(response) } }
      return { url, schema: { ...schema, ...(body ? { body } : {}), ...added } }
    },
    refResolver: { buildLocalReference: json => String(json.$id) }
  })
  await app.register(async pages => {
    // Pages without anything of anybody's. By route, not by address: a route of ours below /docs is as any other.
    pages.addHook('onRoute', route => {
      route.config = { ...route.config, scope: null }
    })
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      theme: { title: 'mlflow-jobs' },
      staticCSP: onlyOwn
    })
  })
}

/** The pages load nothing from elsewhere, and nobody frames them. Swagger UI sets styles of elements as it draws. */
const onlyOwn =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

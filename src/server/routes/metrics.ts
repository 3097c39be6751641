/** What the service counts and measures, for Prometheus. A job's metrics are elsewhere: results.ts. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Metrics } from '../metrics/index.ts'

export const metricRoutes: FastifyPluginAsyncTypebox<{ metrics: Metrics }> = async (
  app,
  { metrics: { registry } }
) => {
  app.get(
    '/metrics',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'getServiceMetrics',
        tags: ['operations'],
        summary: 'What the service counts and measures, in Prometheus’ text format',
        description:
          'docs/operations.md says what each means. The metrics of a job’s run are at /jobs/{id}/metrics.',
        response: {
          200: {
            description: 'All metrics.',
            content: { 'text/plain': { schema: Type.String({ examples: [example] }) } }
          }
        }
      }
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics())
  )
}

const example = `# HELP mlflow_jobs_jobs Jobs by status.
# TYPE mlflow_jobs_jobs gauge
mlflow_jobs_jobs{status="queued",backend="local"} 3
`

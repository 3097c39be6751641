/** The metrics that a job leaves. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Jobs } from '../jobs/index.ts'
import { JobParams } from './jobs.ts'
import { Metrics, problems, Ref } from './schemas.ts'

export const resultRoutes: FastifyPluginAsyncTypebox<{ jobs: Jobs }> = async (app, { jobs }) => {
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
}

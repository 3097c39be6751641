/** The metrics that a job leaves. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { JobParams } from './jobs.ts'
import { Metrics, problems, Ref } from './schemas.ts'

export const resultRoutes: FastifyPluginAsyncTypebox = async app => {
  app.get(
    '/jobs/:id/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        tags: ['results'],
        summary: 'The run’s metrics, with their history and those of child runs',
        description:
          'While the job runs: the last values, some seconds late; the history and the child runs come at its end. On SageMaker they come with the job’s log, so that asking here makes the log be read, as following it does.',
        params: JobParams,
        response: { 200: Ref(Metrics), ...problems(404) }
      }
    },
    async request => {
      const {
        metrics,
        metricHistory: history,
        childRuns
      } = await request.jobs.metrics(request.params.id)
      return { metrics, history, childRuns }
    }
  )
}

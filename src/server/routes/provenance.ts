/** Where a job's results came from. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Places } from '../places.ts'
import { JobParams } from './jobs.ts'
import { Provenance, presentProvenance } from './present-provenance.ts'
import { problems, Ref } from './schemas.ts'
import { takeReading } from './take-place.ts'

export interface ProvenanceRoutesOptions {
  places: Places
}

export const provenanceRoutes: FastifyPluginAsyncTypebox<ProvenanceRoutesOptions> = async (
  app,
  { places }
) => {
  app.get(
    '/jobs/:id/provenance',
    {
      ...takeReading(places),
      schema: {
        operationId: 'getProvenance',
        tags: ['results'],
        summary: 'What a job’s results hang on: code, parameters, environment, versions, times',
        description:
          'What is known of it; the environment, the runtime and the phases when the job has ended. The MLflow run has the same facts as parameters and as tags (mlflow-jobs.*).',
        params: JobParams,
        response: { 200: Ref(Provenance), ...problems(404) }
      }
    },
    async request => {
      const { jobs, params } = request
      const job = await jobs.get(params.id)
      // One after the other: where the first fails, nothing of the second goes on without anybody.
      const report = await jobs.report(job.id)
      const files = await jobs.projects.files(job.project)
      return presentProvenance(job, report, files)
    }
  )
}

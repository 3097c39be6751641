/** What a request may see: the jobs and projects of its caller's tenant. Routes are given no others. */
import type { FastifyInstance } from 'fastify'
import type { Jobs, TenantJobs } from '../jobs/index.ts'

declare module 'fastify' {
  interface FastifyRequest {
    jobs: TenantJobs
  }
}

export function addJobs(app: FastifyInstance, jobs: Jobs): void {
  app.decorateRequest('jobs', {
    getter() {
      return jobs.of(this.caller.tenant)
    }
  })
}

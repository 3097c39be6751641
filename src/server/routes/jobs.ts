/** Submitting jobs, and looking at them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { MalformedRequest } from '../errors.ts'
import type { Jobs } from '../jobs/index.ts'
import { JobStatus } from '../jobs/job.ts'
import { presentJob } from './present-job.ts'
import { readSubmission } from './read-submission.ts'
import { Job, JobList, problems, Ref, Submission } from './schemas.ts'

export interface JobRoutesOptions {
  jobs: Jobs
  /** For temporary files. */
  folder: string
  uploadBytes: number
}

export const JobParams = Type.Object({ id: Type.String({ description: 'The job’s id.' }) })

const defaultLimit = 20

export const jobRoutes: FastifyPluginAsyncTypebox<JobRoutesOptions> = async (
  app,
  { jobs, folder, uploadBytes }
) => {
  app.post(
    '/jobs',
    {
      schema: {
        operationId: 'submitJob',
        tags: ['jobs'],
        summary: 'Submit a training job',
        description:
          'Checks the project and everything beside it, and answers when the job is recorded: a job that was accepted survives a crash of the service, and runs exactly once.',
        consumes: ['multipart/form-data'],
        body: Ref(Submission),
        response: {
          202: Type.Unsafe<Job>({ ...Ref(Job), description: 'The job is queued.' }),
          ...problems(400, 413, 415, 422, 503)
        }
      },
      // The form is read part by part: there is no body that could be validated here.
      validatorCompiler: () => () => true
    },
    async (request, reply) => {
      const job = await jobs.submit(
        await readSubmission(request, { folder, limitBytes: uploadBytes })
      )
      return reply.code(202).header('location', `/jobs/${job.id}`).send(presentJob(job))
    }
  )

  app.get(
    '/jobs',
    {
      schema: {
        operationId: 'listJobs',
        tags: ['jobs'],
        summary: 'List jobs, newest first',
        querystring: Type.Object(
          {
            status: Type.Optional(
              Type.Array(JobStatus, { description: 'May be given several times.' })
            ),
            limit: Type.Integer({ minimum: 1, maximum: 100, default: defaultLimit }),
            cursor: Type.Optional(Type.String({ description: 'nextCursor of the page before.' }))
          },
          { additionalProperties: false }
        ),
        response: { 200: Ref(JobList), ...problems(400) }
      }
    },
    async request => {
      const { status, limit, cursor } = request.query
      const items = await jobs.list({
        limit: limit + 1,
        ...(status ? { status } : {}),
        ...(cursor === undefined ? {} : { before: readCursor(cursor) })
      })
      const page = items.slice(0, limit)
      const last = items.length > limit ? page.at(-1) : undefined
      return { items: page.map(presentJob), nextCursor: last ? writeCursor(last.id) : null }
    }
  )

  app.get(
    '/jobs/:id',
    {
      schema: {
        operationId: 'getJob',
        tags: ['jobs'],
        summary: 'Look at a job',
        params: JobParams,
        response: { 200: Ref(Job), ...problems(404) }
      }
    },
    async request => presentJob(await jobs.get(request.params.id))
  )

  app.post(
    '/jobs/:id/stop',
    {
      schema: {
        operationId: 'stopJob',
        tags: ['jobs'],
        summary: 'Stop a job gracefully',
        description:
          'The program is interrupted (SIGINT) and has time to save; what it had logged is kept. Nothing happens to a job that has ended.',
        params: JobParams,
        response: {
          202: Type.Unsafe<Job>({ ...Ref(Job), description: 'The job, which will stop.' }),
          ...problems(404)
        }
      }
    },
    async (request, reply) => reply.code(202).send(presentJob(await jobs.stop(request.params.id)))
  )
}

const writeCursor = (id: string) => Buffer.from(id).toString('base64url')

function readCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^[a-z0-9-]{1,63}$/.test(id))
    throw new MalformedRequest('The cursor is none that this service gave.')
  return id
}

/** Listing jobs, and ending them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { mostTags } from '../../contract/tags.ts'
import { InvalidRequest, MalformedRequest } from '../errors.ts'
import { JobStatus } from '../jobs/job.ts'
import { pageItems } from '../request-limits.ts'
import type { JobQuery } from '../store/index.ts'
import { linkHeader, linkNext } from './link-next.ts'
import { presentJob } from './present-job.ts'
import { Job, JobList, JobSummary, problems, Ref } from './schemas.ts'

export const JobParams = Type.Object({ id: Type.String({ description: 'The job’s id.' }) })

const defaultLimit = 20

export const jobRoutes: FastifyPluginAsyncTypebox = async app => {
  // Some clients name the type of a body that they do not send.
  const parseJson = app.getDefaultJsonParser('error', 'ignore')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : parseJson(request, String(body), done)
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
              Type.Array(Ref(JobStatus), { description: 'May be given several times.' })
            ),
            tag: Type.Optional(
              Type.Array(Type.String({ pattern: '^[^:]+:' }), {
                maxItems: mostTags,
                description:
                  'key:value, where the key ends at the first colon; given several times, jobs must have all of them.',
                examples: [['team:risk']]
              })
            ),
            name: Type.Optional(Type.String({ description: 'Exactly this name.' })),
            project: Type.Optional(Type.String({ description: 'The project’s digest.' })),
            batch: Type.Optional(Type.String({ description: 'The batch’s id.' })),
            createdAfter: Type.Optional(When),
            createdBefore: Type.Optional(When),
            limit: Type.Optional(
              Type.Integer({ minimum: 1, maximum: pageItems, default: defaultLimit })
            ),
            cursor: Type.Optional(Type.String({ description: 'nextCursor of the page before.' }))
          },
          { additionalProperties: false }
        ),
        response: { 200: { ...Ref(JobList), headers: linkHeader } }
      }
    },
    async (request, reply) => {
      const {
        limit = defaultLimit,
        cursor,
        tag = [],
        createdAfter,
        createdBefore,
        ...filter
      } = request.query
      const items = await request.jobs.list({
        ...filter,
        tags: tag.map(readTag),
        ...readTimes({ createdAfter, createdBefore }),
        ...(cursor === undefined ? {} : { before: readCursor(cursor) }),
        limit: limit + 1
      })
      const page = items.slice(0, limit)
      const last = items.length > limit ? page.at(-1) : undefined
      const nextCursor = last ? writeCursor(last.id) : null
      linkNext(request, reply, nextCursor)
      return { items: page.map(presentJob), nextCursor }
    }
  )

  app.get(
    '/jobs/summary',
    {
      schema: {
        operationId: 'getJobSummary',
        tags: ['jobs'],
        summary: 'Count jobs by status',
        response: { 200: Ref(JobSummary) }
      }
    },
    request => request.jobs.summary()
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
    async (request, reply) =>
      reply.code(202).send(presentJob(await request.jobs.stop(request.params.id)))
  )

  app.delete(
    '/jobs/:id',
    {
      schema: {
        operationId: 'deleteJob',
        tags: ['jobs'],
        summary: 'Delete a job that has ended, and all that it left',
        description:
          'Its record, log, metrics and model, and its project when no other job needs it and it is old enough. Its MLflow run stays where it is.',
        params: JobParams,
        response: {
          204: Type.Unsafe<undefined>({ type: 'null', description: 'It is gone.' }),
          ...problems(404, 409)
        }
      }
    },
    async (request, reply) => {
      await request.jobs.remove(request.params.id)
      return reply.code(204).send()
    }
  )
}

const When = Type.String({
  format: 'date-time',
  description: 'RFC 3339, such as 2026-11-24T08:00:00Z.'
})

type Times = Pick<JobQuery, 'createdAfter' | 'createdBefore'>

/** As records have them. Throws INVALID_REQUEST: what a schema takes for RFC 3339 may be none, such as +02 for +02:00. */
function readTimes(given: { [Name in keyof Times]: string | undefined }): Times {
  const times = Object.entries(given).filter(([, text]) => text !== undefined)
  const read = times.map(([name, text = '']) => ({ name, time: parseTime(text) }))
  const faults = read
    .filter(({ time }) => Number.isNaN(time))
    .map(({ name }) => ({ pointer: `/querystring/${name}`, detail: noTime }))
  if (faults.length > 0) throw new InvalidRequest(faults)
  return Object.fromEntries(read.map(({ name, time }) => [name, inOrder(new Date(time))]))
}

/** In milliseconds. RFC 3339 has leap seconds, which are the second behind them here. */
function parseTime(text: string): number {
  const without = text.replace(/:60(?=[.z+-])/i, ':59')
  return Date.parse(without) + (without === text ? 0 : 1000)
}

/** Years behind 9999 are written otherwise, and would not be behind in the order of texts. */
const inOrder = (time: Date) =>
  time.getUTCFullYear() > 9999 ? '9999-12-31T23:59:59.999Z' : time.toISOString()

const noTime = 'This is no time of RFC 3339, such as 2026-11-24T08:00:00Z.'

function readTag(tag: string): [key: string, value: string] {
  const at = tag.indexOf(':')
  return [tag.slice(0, at), tag.slice(at + 1)]
}

const writeCursor = (id: string) => Buffer.from(id).toString('base64url')

function readCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^[a-z0-9-]{1,63}$/.test(id))
    throw new MalformedRequest('The cursor is none that this service gave.')
  return id
}

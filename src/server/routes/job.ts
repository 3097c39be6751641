/** One job: looking at it, and waiting for its next change. */
import { hash } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { isTerminal, type JobRecord } from '../jobs/job.ts'
import type { Places } from '../places.ts'
import { waitSeconds } from '../request-limits.ts'
import { JobParams } from './jobs.ts'
import { preferredWait } from './preferred-wait.ts'
import { presentJob } from './present-job.ts'
import { Job, problems, Ref } from './schemas.ts'
import { matches } from './send-object.ts'
import { createWaitingSignal } from './waiting-signal.ts'

/** When somebody who does not wait may ask again. */
const retrySeconds = 2

export const jobRoute: FastifyPluginAsyncTypebox<{ places: Places }> = async (app, { places }) => {
  const waitingSignal = createWaitingSignal(app, places, 'waiters')

  app.get(
    '/jobs/:id',
    {
      schema: {
        operationId: 'getJob',
        tags: ['jobs'],
        summary: 'Look at a job, or wait for its next change',
        description:
          'With `wait`, the answer comes when the job changes, or after the seconds with the job as it is; a job that has ended is answered at once. With `If-None-Match`, a change is whatever makes the job another than the one with that `ETag`: nothing that happens between two requests is missed.',
        params: JobParams,
        querystring: Type.Object(
          {
            wait: Type.Optional(
              Type.Integer({
                minimum: 0,
                maximum: waitSeconds,
                description: 'Seconds to wait for a change, at most.',
                examples: [30]
              })
            )
          },
          { additionalProperties: false }
        ),
        headers: Type.Object({
          'if-none-match': Type.Optional(
            Type.String({ description: 'The ETag of the job that the caller knows.' })
          ),
          prefer: Type.Optional(
            Type.String({
              description: `wait=<seconds>, as RFC 7240 has it: the same as the query’s wait, which comes first. More than ${waitSeconds} are taken as ${waitSeconds}.`,
              examples: ['wait=30']
            })
          )
        }),
        response: {
          200: Type.Unsafe<string>({ ...Ref(Job), description: 'The job as it is now.', headers }),
          304: Type.Unsafe<undefined>({
            type: 'null',
            description: 'The job is still the one that the caller knows.',
            headers
          }),
          ...problems(404, 429)
        }
      }
    },
    async (request, reply) => {
      const preferred = preferredWait(request.headers.prefer, waitSeconds)
      const seconds = request.query.wait ?? preferred ?? 0
      const { id } = request.params
      let known = request.headers['if-none-match']
      const isNews = (record: JobRecord) => {
        const { tag } = answerOf(record)
        known ??= tag
        return isTerminal(record.status) || !matches(known, tag)
      }
      const record =
        seconds === 0
          ? await request.jobs.get(id)
          : await request.jobs.waitFor(id, isNews, waitingSignal(reply, seconds))
      const { body, tag } = answerOf(record)
      reply.header('etag', tag).header('cache-control', 'private, no-cache')
      if (!isTerminal(record.status)) reply.header('retry-after', retrySeconds)
      if (request.query.wait === undefined && preferred !== undefined)
        reply.header('preference-applied', `wait=${preferred}`)
      if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send()
      return reply.type('application/json; charset=utf-8').send(body)
    }
  )
}

interface Answer {
  body: string
  /** Of the body, so that whatever changes it changes the tag. */
  tag: string
}

/** All who wait for a job are given the same record, and the store has the same for a row that has not changed. */
const answers = new WeakMap<JobRecord, Answer>()

function answerOf(record: JobRecord): Answer {
  const made = answers.get(record)
  if (made) return made
  const body = JSON.stringify(presentJob(record))
  const answer = { body, tag: `"${hash('sha256', body, 'base64url').slice(0, 22)}"` }
  answers.set(record, answer)
  return answer
}

const headers = {
  ETag: { type: 'string', description: 'Changes whenever the answer does.' },
  'Retry-After': {
    type: 'integer',
    description: 'Seconds after which to ask again without wait; absent when the job has ended.'
  },
  'Preference-Applied': {
    type: 'string',
    description: 'The wait of Prefer that was kept to, such as wait=30.'
  }
}

/** What makes jobs: a submission, a batch of them, and a job run again. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Backend } from '../backends/index.ts'
import type { Disk } from '../disk.ts'
import { UnsupportedMediaType } from '../errors.ts'
import { type Accepted, submissionOf } from '../jobs/submission.ts'
import type { Places } from '../places.ts'
import type { ProjectLimits } from '../projects/index.ts'
import { decodeText } from './decode-text.ts'
import { readKey } from './idempotency-key.ts'
import { JobParams } from './jobs.ts'
import { presentJob, previewJob } from './present-job.ts'
import { readSubmission } from './read-submission.ts'
import { Job, problems } from './schemas.ts'
import {
  Batch,
  BatchForm,
  BatchPreview,
  BatchSubmission,
  bodies,
  described,
  JobPreview,
  location,
  Overrides,
  Submission,
  SubmissionForm
} from './submission-schemas.ts'
import { takeUpload } from './take-place.ts'

export interface SubmissionRoutesOptions {
  backend: Backend
  /** For temporary files. */
  folder: string
  limits: ProjectLimits
  places: Places
  disk: Disk
}

export const submissionRoutes: FastifyPluginAsyncTypebox<SubmissionRoutesOptions> = async (
  app,
  { backend, folder, limits, places, disk }
) => {
  const upload = takeUpload({ places, disk, uploadBytes: limits.uploadBytes })
  // As text: numbers keep the way in which they were written.
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => decodeText(body, 'The body')
  )
  app.removeContentTypeParser('text/plain')
  const read = (request: FastifyRequest) => async () =>
    typeof request.body === 'string'
      ? submissionOf(request.body)
      : readSubmission(request, { folder, limits, room: upload.roomOf(request) })

  const asked = (request: FastifyRequest<{ Querystring: { dryRun?: boolean } }>) => ({
    dryRun: request.query.dryRun ?? false,
    ...readKey(request)
  })

  app.post(
    '/jobs',
    {
      ...upload.hooks,
      config: { documentedBody: bodies(SubmissionForm, Submission) },
      schema: {
        operationId: 'submitJob',
        tags: ['jobs'],
        summary: 'Submit a training job',
        description:
          'Checks the project and everything beside it, and answers when the job is recorded: a job that was accepted survives a crash of the service, and runs exactly once.',
        headers: IdempotencyHeaders,
        querystring: DryRun,
        response: {
          200: described(JobPreview, 'dryRun=true: the job as it would be.'),
          202: described(Job, 'The job is queued.', headers),
          ...problems(408, 409, 413, 415, 422)
        }
      }
    },
    async (request, reply) => {
      const accepted = await request.jobs.submit(read(request), asked(request))
      return sendJob(reply, accepted, request.query.dryRun)
    }
  )

  app.post(
    '/jobs/batch',
    {
      ...upload.hooks,
      config: { documentedBody: bodies(BatchForm, BatchSubmission) },
      schema: {
        operationId: 'submitBatch',
        tags: ['jobs'],
        summary: 'Submit many training jobs of one project',
        description:
          'All of them are checked, and then all are accepted, or none. What stands beside "jobs" is for each of them; what a job says itself goes over it, member by member.',
        headers: IdempotencyHeaders,
        querystring: DryRun,
        response: {
          200: described(BatchPreview, 'dryRun=true: the jobs as they would be.'),
          202: described(Batch, 'The jobs are queued.', headers),
          ...problems(408, 409, 413, 415, 422)
        }
      }
    },
    async (request, reply) => {
      const { dryRun } = request.query
      const accepted = await request.jobs.submit(read(request), { ...asked(request), batch: true })
      const { id, jobs: items } = accepted
      if (dryRun) return { items: items.map(job => previewJob(job, backend)) }
      const self = `/jobs?batch=${id}`
      noteReplay(reply, accepted)
      return reply
        .code(202)
        .header('location', self)
        .send({ id, items: items.map(presentJob), links: { jobs: self } })
    }
  )

  app.post(
    '/jobs/:id/rerun',
    {
      ...upload.hooks,
      config: { documentedBody: bodies(undefined, Overrides) },
      schema: {
        operationId: 'rerunJob',
        tags: ['jobs'],
        summary: 'Run a job again',
        description:
          'A new job of the same project, without an upload. What is given goes over what the job was submitted with, member by member.',
        headers: IdempotencyHeaders,
        params: JobParams,
        querystring: DryRun,
        response: {
          200: described(JobPreview, 'dryRun=true: the job as it would be.'),
          202: described(Job, 'The new job is queued.', headers),
          ...problems(404, 408, 409, 413, 415, 422)
        }
      }
    },
    async (request, reply) => {
      if (request.isMultipart())
        throw new UnsupportedMediaType('multipart/form-data', 'application/json')
      const overrides = async () => submissionOf(String(request.body || '{}'))
      const accepted = await request.jobs.rerun(request.params.id, overrides, asked(request))
      return sendJob(reply, accepted, request.query.dryRun)
    }
  )

  function sendJob(reply: FastifyReply, accepted: Accepted, dryRun = false) {
    const [job] = accepted.jobs
    if (!job) throw new Error('A submission has led to no job.')
    if (dryRun) return reply.send(previewJob(job, backend))
    noteReplay(reply, accepted)
    return reply.code(202).header('location', `/jobs/${job.id}`).send(presentJob(job))
  }
}

function noteReplay(reply: FastifyReply, { replayed }: Accepted): void {
  if (replayed) reply.header('idempotent-replayed', 'true')
}

const headers = {
  ...location,
  'Idempotent-Replayed': {
    type: 'boolean',
    description: 'true: an earlier request with the same key had made it. Absent otherwise.'
  }
}

const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        'A key of the caller’s choice, such as a UUID. The same key with the same content leads to the same job, for at least 24 hours or until that is deleted, however often it is sent; with other content it is a 422.',
      examples: ['"8e03978e-40d5-43e8-bc93-6894a57f9324"']
    })
  )
})

const DryRun = Type.Object(
  {
    dryRun: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Checks everything and answers the job as it would be; stores and starts nothing.'
      })
    )
  },
  { additionalProperties: false }
)

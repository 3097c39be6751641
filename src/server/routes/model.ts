/** A job's model as a whole. */
import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { Type } from 'typebox'
import type { ModelFile } from '../../contract/run-report.ts'
import { NotAcceptable } from '../errors.ts'
import { type ByteRange, findUnzippable, zipModel } from '../models/index.ts'
import type { Places } from '../places.ts'
import type { Storage } from '../storage/index.ts'
import { JobParams } from './jobs.ts'
import { readFor } from './read-for.ts'
import { problems } from './schemas.ts'
import { sendMade, sendObject } from './send-object.ts'
import { takeDownload } from './take-place.ts'

export interface ModelRoutesOptions {
  storage: Storage
  places: Places
}

/** Long enough to begin a download, which may then take longer. */
const urlSeconds = 300

const types = { 'tar.gz': 'application/gzip', zip: 'application/zip' } as const
const Format = Type.Enum(['tar.gz', 'zip'], {
  type: 'string',
  description: 'In place of the header Accept, for those who cannot set it.'
})
type Format = Type.Static<typeof Format>

export const modelRoutes: FastifyPluginAsyncTypebox<ModelRoutesOptions> = async (
  app,
  { storage, places }
) => {
  app.get(
    '/jobs/:id/model',
    {
      onRequest: takeDownload(places),
      schema: {
        operationId: 'getModel',
        tags: ['results'],
        summary: 'Download the model, as model.tar.gz or as a zip',
        description:
          'By the header Accept: application/gzip, which is also what any other client gets, or application/zip. The zip is made while it is sent: its length is not known before, and ranges of it cannot be asked for. It holds the files that /model/files lists; a connection that breaks instead of ending tells that one of them could not be read.',
        params: JobParams,
        querystring: Type.Object(
          {
            format: Type.Optional(Format),
            redirect: Type.Optional(
              Type.Boolean({
                default: false,
                description:
                  'true: where models are kept in S3, the answer leads to model.tar.gz there, so that the bytes do not pass through the service. Otherwise the archive itself is answered. A zip is never led to.'
              })
            )
          },
          { additionalProperties: false }
        ),
        headers: Type.Object({
          range: Type.Optional(Type.String({ examples: ['bytes=0-1023'] })),
          'if-range': Type.Optional(Type.String()),
          'if-none-match': Type.Optional(Type.String())
        }),
        response: {
          200: archive('The whole archive.', types['tar.gz'], types.zip),
          206: archive('The range of model.tar.gz that was asked for.', types['tar.gz']),
          304: Type.Unsafe<undefined>({ type: 'null', description: 'You have it already.' }),
          307: Type.Unsafe<undefined>({
            type: 'null',
            description: `Location is a URL that gives the archive to anybody for ${urlSeconds} seconds. Only with redirect=true.`,
            headers: { Location: { type: 'string', format: 'uri' } }
          }),
          ...problems(404, 406, 409, 416)
        }
      }
    },
    async (request, reply) => {
      reply.header('vary', 'accept')
      const format = request.query.format ?? acceptedFormat(request)
      if (format === 'zip') return sendZip(request.params.id, request, reply)
      const { key, object } = await request.jobs.model(request.params.id)
      const location = request.query.redirect
        ? await storage.temporaryUrl(key, { seconds: urlSeconds, fileName: 'model.tar.gz' })
        : undefined
      if (location) return reply.header('cache-control', 'no-store').redirect(location, 307)
      const read = (range?: ByteRange) => storage.read(key, range)
      return sendObject(request, reply, { object, headers: headersOf(format), read })
    }
  )

  async function sendZip(id: string, request: FastifyRequest, reply: FastifyReply) {
    const { key, object, files } = await request.jobs.modelFiles(id)
    checkZip(files)
    return sendMade(request, reply, {
      object: { ...object, etag: `W/"${object.etag.slice(1, -1)}-zip"` },
      headers: headersOf('zip'),
      read: async () => zipModel(readFor(reply, await storage.read(key)), files, object)
    })
  }
}

const headersOf = (format: Format) => ({
  'content-type': types[format],
  'content-disposition': `attachment; filename="model.${format}"`
})

/** Throws NOT_ACCEPTABLE. */
function acceptedFormat({ headers }: FastifyRequest): Format {
  const type = new Negotiator({ headers }).mediaType(Object.values(types))
  if (type === types['tar.gz']) return 'tar.gz'
  if (type === types.zip) return 'zip'
  throw new NotAcceptable(
    `The model is there as ${types['tar.gz']} and as ${types.zip}; Accept allows neither.`
  )
}

/** Throws NOT_ACCEPTABLE. */
function checkZip(files: readonly ModelFile[]): void {
  const path = findUnzippable(files)
  if (path !== undefined)
    throw new NotAcceptable(
      `A zip cannot hold the name ${JSON.stringify(path)}; the model is there as ${types['tar.gz']}.`
    )
  if (files.length === 0)
    throw new NotAcceptable(
      `The job left no list of the model's files, which a zip needs; the model is there as ${types['tar.gz']}.`
    )
}

const archive = (description: string, ...mediaTypes: string[]) => ({
  description,
  content: Object.fromEntries(
    mediaTypes.map(type => [
      type,
      { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary' }) }
    ])
  )
})

/** The files of a job's model, one by one. */
import { basename } from 'node:path/posix'
import type { Readable } from 'node:stream'
import type { SwaggerTransform } from '@fastify/swagger'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { create as contentDisposition } from 'content-disposition'
import { Type } from 'typebox'
import type { ModelFile } from '../../contract/run-report.ts'
import { MalformedRequest } from '../errors.ts'
import { openModelFile } from '../models/index.ts'
import type { Places } from '../places.ts'
import type { Storage } from '../storage/index.ts'
import { contentTypeOf } from './content-type.ts'
import { JobParams } from './jobs.ts'
import { linkHeader, linkNext } from './link-next.ts'
import { readFor } from './read-for.ts'
import { ModelFileList, problems, Ref } from './schemas.ts'
import { sendObject } from './send-object.ts'
import { takeDownload } from './take-place.ts'

export interface ModelFileRoutesOptions {
  storage: Storage
  places: Places
}

const FilePath = Type.String({
  description:
    'The file’s path as /model/files lists it, percent-encoded; its slashes may be encoded, and need not be.'
})

const defaultLimit = 1_000
const maxLimit = 10_000

export const modelFileRoutes: FastifyPluginAsyncTypebox<ModelFileRoutesOptions> = async (
  app,
  { storage, places }
) => {
  app.get(
    '/jobs/:id/model/files',
    {
      schema: {
        operationId: 'listModelFiles',
        tags: ['results'],
        summary: 'The files in model.tar.gz, with size and SHA-256',
        description:
          'As the job’s run report lists them. Paths that would lead out of a folder are left out.',
        params: JobParams,
        querystring: Type.Object(
          {
            prefix: Type.Optional(
              Type.String({
                description: 'Only files whose path begins so, such as a folder with its slash.'
              })
            ),
            limit: Type.Optional(
              Type.Integer({ minimum: 1, maximum: maxLimit, default: defaultLimit })
            ),
            cursor: Type.Optional(
              Type.String({ description: 'nextCursor of the page before, with the same prefix.' })
            )
          },
          { additionalProperties: false }
        ),
        response: {
          200: { ...Ref(ModelFileList), headers: linkHeader },
          ...problems(404, 409)
        }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const { prefix = '', limit = defaultLimit, cursor } = request.query
      const start = cursor === undefined ? 0 : readCursor(cursor)
      const { files } = await request.jobs.modelFiles(id)
      const found = files.filter(({ path }) => path.startsWith(prefix))
      const items = found.slice(start, start + limit).map(file => present(id, file))
      const end = start + items.length
      const nextCursor = end < found.length ? writeCursor(end) : null
      linkNext(request, reply, nextCursor)
      return { items, nextCursor }
    }
  )

  app.get(
    '/jobs/:id/model/files/*',
    {
      onRequest: takeDownload(places),
      config: { swaggerTransform: namePath },
      schema: {
        operationId: 'getModelFile',
        tags: ['results'],
        summary: 'Download one file of the model',
        description:
          'Read out of model.tar.gz while it is sent, so a file far back in a large archive takes a while to begin, and so does a range far back in a large file; jobs of the backend local are packed with small files first. A connection that breaks before Content-Length bytes tells that the archive is damaged there; MODEL_UNREADABLE (409) tells it of what comes before. The browser shows a file in a sandbox.',
        params: Type.Object({ ...JobParams.properties, '*': FilePath }),
        headers: Type.Object({
          range: Type.Optional(Type.String({ examples: ['bytes=0-1023'] })),
          'if-range': Type.Optional(Type.String()),
          'if-none-match': Type.Optional(Type.String())
        }),
        response: {
          200: fileAnswer('The whole file.'),
          206: fileAnswer('The range that was asked for.'),
          304: Type.Unsafe<undefined>({ type: 'null', description: 'You have it already.' }),
          // All of them: a transform of its own stands in the place of the one that adds those of every route.
          ...problems(400, 401, 403, 404, 409, 416, 503)
        }
      }
    },
    async (request, reply) => {
      const { id, '*': path } = request.params
      const { key, object, file } = await request.jobs.modelFile(id, path)
      return sendObject(request, reply, {
        object: { ...object, sizeBytes: file.sizeBytes, etag: `"${file.sha256}"` },
        headers: headersOf(file),
        read: async range => openModelFile(readFor(reply, await storage.read(key)), file, range)
      })
    }
  )
}

/** OpenAPI knows no wildcard: there the rest of the path is a parameter, whose slashes clients encode. */
const namePath: SwaggerTransform = ({ schema, url }) => ({
  schema: { ...schema, params: Type.Object({ ...JobParams.properties, path: FilePath }) },
  url: url.replace('*', ':path')
})

const present = (id: string, file: ModelFile) => ({
  ...file,
  links: {
    self: `/jobs/${id}/model/files/${file.path.split('/').map(encodeURIComponent).join('/')}`
  }
})

/** The report of a job that has ended does not change: a place in its list is a cursor. */
const writeCursor = (place: number) => Buffer.from(`${place}`).toString('base64url')

function readCursor(cursor: string): number {
  const place = Buffer.from(cursor, 'base64url').toString()
  if (!/^\d{1,9}$/.test(place))
    throw new MalformedRequest('The cursor is none that this service gave.')
  return Number(place)
}

/** What a model holds was made by somebody's program: a browser may show it, and runs nothing of it. */
const headersOf = ({ path, sha256 }: ModelFile) => ({
  'content-type': contentTypeOf(path),
  'content-disposition': contentDisposition(basename(path), { type: 'inline' }),
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'x-content-type-options': 'nosniff',
  'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
})

const fileAnswer = (description: string) => ({
  description,
  headers: {
    'repr-digest': {
      type: 'string',
      description: 'The SHA-256 of the whole file (RFC 9530).',
      example: 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'
    }
  },
  content: {
    'application/octet-stream': { schema: bytes },
    '*/*': { schema: bytes }
  }
})

const bytes = Type.Unsafe<Readable>({ type: 'string', format: 'binary' })

/** Projects without a job: sent once, looked at, and named by their digest afterwards. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Disk } from '../disk.ts'
import { SubmissionInvalid, UnsupportedMediaType, UploadTooLarge } from '../errors.ts'
import type { Places } from '../places.ts'
import {
  discardFile,
  type ProjectLimits,
  type ReceivedArchive,
  receiveArchive
} from '../projects/index.ts'
import { presentProject } from './present-project.ts'
import { ProjectDocument, ProjectForm } from './project-schemas.ts'
import { readSubmission } from './read-submission.ts'
import { problems, Ref } from './schemas.ts'
import { described, location } from './submission-schemas.ts'
import { takeReading, takeUpload } from './take-place.ts'

export interface ProjectRoutesOptions {
  /** For temporary files. */
  folder: string
  limits: ProjectLimits
  places: Places
  disk: Disk
}

/** What archives are sent as; which one it is, its bytes say. */
const archiveTypes = [
  'application/gzip',
  'application/x-gzip',
  'application/zip',
  'application/x-tar',
  'application/octet-stream'
]

export const projectRoutes: FastifyPluginAsyncTypebox<ProjectRoutesOptions> = async (
  app,
  { folder, limits, places, disk }
) => {
  const { uploadBytes } = limits
  const upload = takeUpload({ places, disk, uploadBytes })
  // Left in the connection: the handler reads it from there.
  app.addContentTypeParser(archiveTypes, (_request, _body, done) => done(null))

  app.post(
    '/projects',
    {
      ...upload.hooks,
      config: { documentedBody: archiveBodies },
      schema: {
        operationId: 'addProject',
        tags: ['projects'],
        summary: 'Check a project and keep it, without a job',
        description:
          'What could never run is refused with all faults. Afterwards jobs can name the project by its digest, which is that of its files: however it is packed, it is the same project.',
        querystring: Path,
        response: {
          200: described(ProjectDocument, 'It was here already.', location),
          201: described(ProjectDocument, 'It is kept.', location),
          ...problems(408, 413, 415, 422)
        }
      }
    },
    async (request, reply) => {
      const { archive, path } = await readArchive(request)
      const { stored, added } = await request.jobs.projects.add(archive, path ?? request.query.path)
      const document = presentProject(stored)
      return reply
        .code(added ? 201 : 200)
        .header('location', document.links.self)
        .send(document)
    }
  )

  app.get(
    '/projects/:digest',
    {
      ...takeReading(places),
      schema: {
        operationId: 'getProject',
        tags: ['projects'],
        summary: 'Look at a project: its files, entry points and their parameters',
        params: DigestParams,
        querystring: Path,
        response: { 200: Ref(ProjectDocument), ...problems(404, 422) }
      },
      exposeHeadRoute: false
    },
    async request =>
      presentProject(await request.jobs.projects.get(request.params.digest, request.query.path))
  )

  app.head(
    '/projects/:digest',
    {
      config: { swagger: { exposeHeadRoute: true } },
      schema: {
        operationId: 'hasProject',
        tags: ['projects'],
        summary: 'Whether a project is here, so that it need not be sent',
        params: DigestParams,
        response: {
          200: Type.Unsafe<undefined>({
            type: 'null',
            description: 'It is here.',
            headers: { 'Last-Modified': { type: 'string', description: 'When it was stored.' } }
          }),
          400: Type.Unsafe<undefined>({ type: 'null', description: 'It cannot be read.' }),
          401: Type.Unsafe<undefined>({ type: 'null', description: 'Nobody who is known asks.' }),
          403: Type.Unsafe<undefined>({ type: 'null', description: 'Under a foreign name.' }),
          404: Type.Unsafe<undefined>({ type: 'null', description: 'It is not.' }),
          429: Type.Unsafe<undefined>({ type: 'null', description: 'More than one may ask for.' }),
          503: Type.Unsafe<undefined>({ type: 'null', description: 'The storage is away.' })
        }
      }
    },
    async (request, reply) => {
      const { storedAt } = await request.jobs.projects.stat(request.params.digest)
      return reply.header('last-modified', new Date(storedAt).toUTCString()).send()
    }
  )

  async function readArchive(
    request: FastifyRequest
  ): Promise<{ archive: ReceivedArchive; path?: string }> {
    const receiving = { folder, limits, room: upload.roomOf(request) }
    if (request.isMultipart()) {
      const { archive, texts, faults } = await readSubmission(request, receiving)
      const path = texts.get('path')
      for (const name of texts.keys())
        if (name !== 'path') faults.push({ pointer: `/${name}`, detail: onlyProject })
      if (!archive) faults.push({ pointer: '/project', detail: noArchive })
      if (archive && faults.length > 0) await discardFile(archive.path)
      if (!archive || faults.length > 0) throw new SubmissionInvalid(faults)
      return { archive, ...(path === undefined ? {} : { path }) }
    }
    const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? 'none'
    if (!archiveTypes.includes(type)) throw new UnsupportedMediaType(type, forProjects)
    if (Number(request.headers['content-length'] ?? 0) > uploadBytes)
      throw new UploadTooLarge(uploadBytes)
    return { archive: await receiveArchive(request.raw, receiving) }
  }
}

const forProjects = `the archive as it is (${archiveTypes.join(', ')}), or multipart/form-data, as curl -F does`
const onlyProject = 'A project is sent with "project" and "path" alone; the rest is for POST /jobs.'
const noArchive =
  'The project is missing: send its archive as a file, as in curl -F project=@code.tar.gz.'

const DigestParams = Type.Object({
  digest: Type.String({ description: 'sha256:<hex>, of the project’s files.' })
})

const Path = Type.Object(
  {
    path: Type.Optional(
      Type.String({ description: 'The project’s folder, where it is not the root.' })
    )
  },
  { additionalProperties: false }
)

const binary = { schema: { type: 'string', format: 'binary' } }

const archiveBodies = {
  content: {
    'multipart/form-data': { schema: Ref(ProjectForm) },
    'application/gzip': binary,
    'application/zip': binary,
    'application/x-tar': binary
  }
}

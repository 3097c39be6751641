/** GET /: what this service is, where things are, and how much it takes. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import type { Backend, Isolation } from '../backends/index.ts'
import { batchLimit } from '../jobs/submission.ts'
import type { ProjectLimits } from '../projects/index.ts'
import {
  batchBytes,
  bodyBytes,
  fieldBytes,
  formBytes,
  formParts,
  pageItems,
  waitSeconds
} from '../request-limits.ts'
import type { Storage } from '../storage/index.ts'
import { version } from '../version.ts'
import { Ref } from './schemas.ts'

export interface DiscoveryOptions {
  backend: Backend
  isolation: Isolation
  storage: Storage
  limits: ProjectLimits
}

const Limit = (description: string) => Type.Integer({ minimum: 1, description })

export const Discovery = Type.Object(
  {
    name: Type.Literal('mlflow-jobs'),
    version: Type.String({ examples: ['0.1.0'] }),
    backend: Type.Enum(['local', 'sagemaker'], {
      type: 'string',
      description: 'Where jobs run.'
    }),
    isolation: Type.Enum(['instance', 'sandbox', 'none'], {
      type: 'string',
      description:
        'What keeps jobs from each other and from the service: instances of their own (SageMaker), a sandbox on its machine, or nothing: then any job can read and write what the service can.'
    }),
    storage: Type.Enum(['filesystem', 's3'], {
      type: 'string',
      description: 'Where projects and models are.'
    }),
    links: Type.Object({
      jobs: Type.String(),
      projects: Type.String(),
      docs: Type.String({ description: 'For people: every call, to try out.' }),
      errors: Type.String({ description: 'For people: what each code means.' }),
      openapiJson: Type.String(),
      openapiYaml: Type.String(),
      healthz: Type.String(),
      livez: Type.String(),
      readyz: Type.String(),
      metrics: Type.String({ description: 'For Prometheus: of the service.' })
    }),
    limits: Type.Object({
      uploadBytes: Limit('Of a project’s archive, as it is sent.'),
      formBytes: Limit('Of all that is in a form beside the archive.'),
      formParts: Limit('Of a form.'),
      fieldBytes: Limit('Of a field, in a form or in JSON.'),
      bodyBytes: Limit('Of a body that is JSON.'),
      projectBytes: Limit('Of a project, unpacked.'),
      projectFiles: Limit('Of a project.'),
      projectDepth: Limit('Folders above a file.'),
      projectNameBytes: Limit('Of the name of a file or folder.'),
      projectPathBytes: Limit('Of the path of a file, from the archive’s root.'),
      projectRatio: Limit(
        'Unpacked bytes for a byte of the archive, once more than 64 MiB are unpacked.'
      ),
      batchBytes: Limit('Of the field "jobs" of a batch.'),
      batchJobs: Limit('Of a batch.'),
      pageItems: Limit('Of a page of the list of jobs.'),
      waitSeconds: Limit('That an answer can be waited for.')
    })
  },
  {
    $id: 'Discovery',
    description: 'What the service is, where things are, and how much it takes.'
  }
)
export type Discovery = Static<typeof Discovery>

export const discoveryRoutes: FastifyPluginAsyncTypebox<DiscoveryOptions> = async (
  app,
  options
) => {
  const document = describe(options)
  app.get(
    '/',
    {
      schema: {
        operationId: 'getDiscovery',
        tags: ['operations'],
        summary: 'What this service is, where things are, and how much it takes',
        description: 'Browsers are led to the documentation.',
        response: {
          200: Ref(Discovery),
          302: Type.Unsafe<undefined>({
            type: 'null',
            description: 'For who would have HTML: Location is the documentation.'
          })
        }
      }
    },
    async (request, reply) =>
      wantsPage(request.headers.accept) ? reply.redirect('/docs/') : document
  )
}

/** As browsers ask: for HTML before all else. */
const wantsPage = (accept = '') => /^\s*text\/html\b/i.test(accept)

const describe = ({ backend, isolation, storage, limits }: DiscoveryOptions): Discovery => ({
  name: 'mlflow-jobs',
  version,
  backend: backend.name,
  isolation,
  storage: storage.name,
  links: {
    jobs: '/jobs',
    projects: '/projects',
    docs: '/docs/',
    errors: '/docs/errors',
    openapiJson: '/openapi.json',
    openapiYaml: '/openapi.yaml',
    healthz: '/healthz',
    livez: '/livez',
    readyz: '/readyz',
    metrics: '/metrics'
  },
  limits: {
    uploadBytes: limits.uploadBytes,
    formBytes,
    formParts,
    fieldBytes,
    bodyBytes,
    batchBytes,
    batchJobs: batchLimit,
    projectBytes: limits.unpackedBytes,
    projectFiles: limits.files,
    projectDepth: limits.depth,
    projectNameBytes: limits.nameBytes,
    projectPathBytes: limits.pathBytes,
    projectRatio: limits.ratio,
    pageItems,
    waitSeconds
  }
})

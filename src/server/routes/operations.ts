/** For operators and their programs: health and readiness. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Backend } from '../backends/index.ts'
import { retrySeconds } from '../request-limits.ts'
import type { Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { hideCredentials } from './present-job.ts'
import { Health, Problem, Readiness, Ref } from './schemas.ts'

export interface OperationRoutesOptions {
  store: Store
  storage: Storage
  backend: Backend
}

export const operationRoutes: FastifyPluginAsyncTypebox<OperationRoutesOptions> = async (
  app,
  { store, storage, backend }
) => {
  app.get(
    '/healthz',
    {
      config: { scope: null },
      schema: {
        operationId: 'getHealth',
        tags: ['operations'],
        summary: 'Whether the process answers',
        response: { 200: Ref(Health) }
      }
    },
    async () => ({ status: 'ok' as const })
  )

  app.get(
    '/readyz',
    {
      config: { scope: null },
      schema: {
        operationId: 'getReadiness',
        tags: ['operations'],
        summary: 'Whether submissions are accepted, and what jobs still wait for',
        response: {
          200: Ref(Readiness),
          503: Type503
        }
      }
    },
    async (_request, reply) => {
      const [storeCheck, storageCheck] = await Promise.all([check(store), check(storage)])
      const ready = storeCheck.ok && storageCheck.ok
      const pending = backend.pending()
      const uri = backend.trackingUri()
      if (!ready) reply.header('retry-after', retrySeconds)
      return reply.code(ready ? 200 : 503).send({
        ready,
        store: storeCheck,
        storage: storageCheck,
        backend: { ok: pending === null, detail: pending },
        trackingUri: uri && hideCredentials(uri)
      })
    }
  )
}

const Type503 = Type.Unsafe<Readiness>({
  description: 'Store or storage cannot be used now, or the service is stopping.',
  content: {
    'application/json': { schema: Ref(Readiness) },
    'application/problem+json': { schema: Ref(Problem) }
  }
})

const check = async (part: { check(): Promise<void> }) => {
  try {
    await part.check()
    return { ok: true, detail: null }
  } catch (error) {
    return { ok: false, detail: (error as Error).message }
  }
}

/** For operators and their programs: health and readiness. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { hideCredentials } from '../../contract/secrets.ts'
import type { Backend } from '../backends/index.ts'
import type { Disk } from '../disk.ts'
import { retrySeconds } from '../request-limits.ts'
import type { Storage } from '../storage/index.ts'
import type { Store } from '../store/index.ts'
import { Health, Problem, Readiness, Ref } from './schemas.ts'

export interface OperationRoutesOptions {
  store: Store
  storage: Storage
  backend: Backend
  disk: Disk
  /** Comes when the service is about to stop. */
  stopping: AbortSignal
}

export const operationRoutes: FastifyPluginAsyncTypebox<OperationRoutesOptions> = async (
  app,
  { store, storage, backend, disk, stopping }
) => {
  for (const [url, operationId] of [
    ['/livez', 'getLiveness'],
    ['/healthz', 'getHealth']
  ] as const)
    app.get(
      url,
      {
        config: { scope: null },
        schema: {
          operationId,
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
      const [storeCheck, storageCheck, diskCheck] = await Promise.all([
        check(store),
        check(storage),
        check(disk)
      ])
      const process = stopping.aborted ? isStopping : fine
      const ready = [storeCheck, storageCheck, diskCheck, process].every(({ ok }) => ok)
      const pending = backend.pending()
      const uri = backend.trackingUri()
      if (!ready) reply.header('retry-after', retrySeconds)
      return reply.code(ready ? 200 : 503).send({
        ready,
        store: storeCheck,
        storage: storageCheck,
        disk: diskCheck,
        process,
        backend: { ok: pending === null, detail: pending },
        trackingUri: uri && hideCredentials(uri)
      })
    }
  )
}

const Type503 = Type.Unsafe<Readiness>({
  description: 'One of the checks says why not.',
  content: {
    'application/json': { schema: Ref(Readiness) },
    'application/problem+json': { schema: Ref(Problem) }
  }
})
const fine = { ok: true, detail: null }
const isStopping = { ok: false, detail: 'The service is stopping.' }

const check = async (part: { check(): Promise<void> }) => {
  try {
    await part.check()
    return fine
  } catch (error) {
    return { ok: false, detail: (error as Error).message }
  }
}

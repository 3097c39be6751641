/** How often may be asked: by each tenant, and from each address by who is not known. */
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Caller } from '../callers/index.ts'
import { TooManyRequests, TooManyUnauthenticated } from '../errors.ts'
import type { LimitsOf } from '../tenant-limits.ts'
import { isOpen } from './authenticate.ts'

export interface RequestRates {
  limitsOf: LimitsOf<'requestsPerMinute'>
  /** From each address. */
  unauthenticatedPerMinute: number
}

export interface RequestLimits {
  /** A hook for onRequest, after `authenticate`. It sets RateLimit-*, and throws TOO_MANY_REQUESTS. */
  ofTenants: onRequestHookHandler
  /** Counts a request of nobody who is known; throws TOO_MANY_UNAUTHENTICATED. Who is known is never refused for it. */
  countUnknown(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

const minute = 60_000

/** Each service counts by itself, and forgets what it has counted when it ends. */
export async function limitRequests(
  app: FastifyInstance,
  { limitsOf, unauthenticatedPerMinute }: RequestRates
): Promise<RequestLimits> {
  await app.register(rateLimit, { global: false, timeWindow: minute, enableDraftSpec: true })
  const mostOf = ({ tenant }: Caller) => limitsOf(tenant).requestsPerMinute
  const limitTenant = app.rateLimit({
    max: ({ caller }) => mostOf(caller),
    keyGenerator: ({ caller }) => caller.tenant,
    errorResponseBuilder: ({ caller }, { max }) => new TooManyRequests(caller.tenant, max)
  })
  const count = app.createRateLimit({ max: unauthenticatedPerMinute })

  return {
    ofTenants(request, reply, done) {
      if (isOpen(request) || mostOf(request.caller) === Infinity) return done()
      limitTenant.call(app, request, reply).then(() => done(), done)
    },

    async countUnknown(request, reply) {
      const counted = await count(request)
      if (counted.isAllowed || !counted.isExceeded) return
      reply.header('retry-after', counted.ttlInSeconds)
      throw new TooManyUnauthenticated(unauthenticatedPerMinute)
    }
  }
}

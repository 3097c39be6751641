/** What holds for every request and every answer, whatever the route. */
import cors from '@fastify/cors'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Callers } from '../callers/index.ts'
import { ExpectationFailed, ShuttingDown } from '../errors.ts'
import type { Metrics } from '../metrics/index.ts'
import { slowBytes } from '../request-limits.ts'
import { accountForRequests } from './account-for-requests.ts'
import { allowOptions, noRoute } from './allowed-methods.ts'
import { authenticate } from './authenticate.ts'
import { limitRequests, type RequestRates } from './limit-requests.ts'
import { limitSilence } from './limit-silence.ts'
import { limitSlowReaders } from './limit-slow-readers.ts'
import { type CrossSiteOptions, refuseCrossSite } from './refuse-cross-site.ts'

export interface ConventionOptions extends CrossSiteOptions, RequestRates {
  metrics: Metrics
  /** Comes when the service is about to stop: nobody is to reuse a connection then. */
  stopping: AbortSignal
  /** After so long without progress, an upload or an answer is given up. */
  slowMilliseconds: number
}

/**
 * Before the routes. Hooks run in the order in which they stand here. Those that wait for nothing call `next`: promises
 * for each of them would be a good part of what a small answer takes.
 */
export async function addConventions(
  app: FastifyInstance,
  options: ConventionOptions & { callers?: Callers | undefined }
): Promise<void> {
  accountForRequests(app, options.metrics)
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id).headers(unlessTheRouteSaysOtherwise)
    next()
  })
  app.addHook('onRequest', allowOptions)
  // Before anything is refused: pages are to read why.
  if (options.corsOrigins.length > 0) {
    await app.register(cors, corsOptions(options.corsOrigins))
    app.addHook('onSend', varyByOrigin)
  }
  app.addHook('onRequest', (request, _reply, next) => {
    if (closing) throw new ShuttingDown()
    refuseCrossSite(request, options)
    refuseExpectation(request.headers.expect)
    next()
  })
  const limits = await limitRequests(app, options)
  app.addHook('onRequest', authenticate(options.callers, limits.countUnknown))
  app.addHook('onRequest', limits.ofTenants)
  app.addHook('onRequest', limitSilence(options.slowMilliseconds, slowBytes))
  limitSlowReaders(app.server, options.slowMilliseconds)
  app.addHook('onSend', (_request, reply, _payload, next) => {
    if (options.stopping.aborted) reply.header('connection', 'close')
    next()
  })
  // Whatever its body is: it is not for anything here.
  app.addHook('onRequest', (request, reply, next) =>
    request.is404 ? noRoute(request, reply) : next()
  )
  // Node answers what it does not know by itself, and without a word.
  app.server.on('checkExpectation', (request, response) => app.routing(request, response))
}

const unlessTheRouteSaysOtherwise = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin'
}

const corsOptions = (origins: string[]) => ({
  origin: origins,
  methods: ['GET', 'HEAD', 'POST', 'DELETE'],
  exposedHeaders: [
    'Accept-Ranges',
    'Content-Disposition',
    'Content-Range',
    'ETag',
    'Idempotent-Replayed',
    'Link',
    'Location',
    'Log-Complete',
    'Log-Offset',
    'Log-Size',
    'Preference-Applied',
    'RateLimit-Limit',
    'RateLimit-Remaining',
    'RateLimit-Reset',
    'Repr-Digest',
    'Retry-After',
    'X-Request-Id'
  ],
  // OPTIONS of who is no browser is answered, too.
  strictPreflight: false,
  maxAge: 600
})

/** Routes say by what their answers vary, and know nothing of origins. */
async function varyByOrigin(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const vary = reply.getHeader('vary')
  if (vary !== undefined && !/\borigin\b/i.test(String(vary)))
    reply.header('vary', `${vary}, Origin`)
}

function refuseExpectation(expect: string | undefined): void {
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    throw new ExpectationFailed(expect)
}

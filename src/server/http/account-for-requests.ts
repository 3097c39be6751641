/** Each request has a line in the log and a place in the metrics, also where nobody has waited for the answer. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { everybody } from '../callers/index.ts'
import type { Metrics } from '../metrics/index.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Of the error that is answered. */
    problemCode: string | null
  }
}

/** Before all other hooks: what these refuse is counted, too. */
export function accountForRequests(app: FastifyInstance, metrics: Metrics): void {
  app.decorateReply('problemCode', null)
  app.addHook('onRequest', (request, reply, next) => {
    const begun = performance.now()
    reply.raw.once('close', () => {
      const milliseconds = performance.now() - begun
      measure(request, reply, milliseconds, metrics)
      tell(request, reply, milliseconds)
    })
    next()
  })
}

function measure(
  { method, routeOptions }: FastifyRequest,
  { raw, statusCode, problemCode }: FastifyReply,
  milliseconds: number,
  { requests, problems }: Metrics
): void {
  const route = routeOptions.url ?? 'none'
  const status = raw.writableEnded ? `${Math.floor(statusCode / 100)}xx` : 'gone'
  requests.observe({ method, route, status }, milliseconds / 1000)
  if (problemCode !== null) problems.inc({ code: problemCode })
}

/** Those who only look come often, and change nothing. */
function tell(request: FastifyRequest, reply: FastifyReply, milliseconds: number): void {
  const { method, url, routeOptions, log } = request
  const level = ['GET', 'HEAD', 'OPTIONS'].includes(method) ? 'debug' : 'info'
  const job = jobOf(request, reply)
  const { problemCode: code } = reply
  log[level](
    {
      method,
      url,
      route: routeOptions.url,
      ...(request.caller === undefined || request.caller === everybody
        ? {}
        : { caller: request.caller.name, tenant: request.caller.tenant }),
      ...(job === undefined ? {} : { job }),
      status: reply.statusCode,
      ...(code === null ? {} : { code }),
      ...(reply.raw.writableEnded ? {} : { gone: true }),
      milliseconds: Math.round(milliseconds)
    },
    'request'
  )
}

/** The one that the address names, or that the request has made. */
function jobOf({ routeOptions, params }: FastifyRequest, reply: FastifyReply): string | undefined {
  const [, made] = /^\/jobs\/([\w-]+)$/.exec(String(reply.getHeader('location') ?? '')) ?? []
  if (made !== undefined) return made
  return routeOptions.url?.startsWith('/jobs/:id') ? (params as { id: string }).id : undefined
}

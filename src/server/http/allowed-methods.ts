/** What methods an address takes: for Allow, on 405 and on OPTIONS. */
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { MethodNotAllowed, NotFound } from '../errors.ts'

/** A hook: OPTIONS is answered with Allow, whoever answers it. */
export function allowOptions(
  request: FastifyRequest,
  reply: FastifyReply,
  next: HookHandlerDoneFunction
): void {
  const methods = request.method === 'OPTIONS' ? methodsOf(request) : []
  if (methods.length > 0) reply.header('allow', list(methods))
  next()
}

/** The answer where no route is, or where one has found nothing: 404, 405, or 204 for OPTIONS. */
export async function noRoute(request: FastifyRequest, reply: FastifyReply): Promise<undefined> {
  const { method } = request
  const path = pathOf(request)
  const methods = methodsOf(request)
  if (methods.length === 0 || methods.includes(method)) throw new NotFound(`${method} ${path}`)
  if (method === 'OPTIONS') return reply.code(204).send()
  reply.header('allow', list(methods))
  throw new MethodNotAllowed(method, path, list(methods))
}

/** But OPTIONS, which every address takes. */
function methodsOf(request: FastifyRequest): string[] {
  const { server } = request
  const url = pathOf(request)
  const routes = server.supportedMethods.flatMap(method => {
    const route = method === 'OPTIONS' ? null : server.findRoute({ method, url })
    return route ? [{ method, parameters: Object.keys(route.params).length }] : []
  })
  // An address of its own, such as /jobs/summary, is no job of that name.
  const fewest = Math.min(...routes.map(({ parameters }) => parameters))
  return routes.filter(({ parameters }) => parameters === fewest).map(({ method }) => method)
}

const list = (methods: string[]) => [...methods, 'OPTIONS'].join(', ')

const pathOf = ({ url }: FastifyRequest) => url.split('?', 1)[0] ?? ''

/** Who calls, and whether they may: bearer tokens (RFC 6750). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Caller, type Callers, everybody, type Scope } from '../callers/index.ts'
import { Forbidden, Unauthenticated } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
  interface FastifyContextConfig {
    /** Without it: read for GET and HEAD, submit for all others. null: open to all. */
    scope?: Scope | null
  }
}

/** A hook for onRequest. It throws UNAUTHENTICATED and FORBIDDEN, with WWW-Authenticate; without `callers` all may do all. */
export const authenticate =
  (callers: Callers | undefined) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const scope = scopeOf(request)
    if (!callers || scope === null) {
      request.caller = everybody
      return
    }
    const token = /^bearer +([\w.~+/-]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1]
    reply.header('www-authenticate', challenge())
    if (token === undefined) throw new Unauthenticated(noToken)
    reply.header('www-authenticate', challenge('invalid_token'))
    const caller = await callers.identify(token)
    if (!caller) throw new Unauthenticated('Nobody has this token, or its time is over.')
    if (!caller.scopes.includes(scope)) {
      reply.header('www-authenticate', challenge('insufficient_scope', scope))
      throw new Forbidden(scope, scopesOf(caller))
    }
    reply.removeHeader('www-authenticate')
    request.caller = caller
  }

function scopeOf({ method, routeOptions }: FastifyRequest): Scope | null {
  const { config, url = '' } = routeOptions
  if (config.scope !== undefined) return config.scope
  // Pages without anything of anybody's; their routes are not ours to configure.
  if (url.startsWith('/docs')) return null
  return method === 'GET' || method === 'HEAD' ? 'read' : 'submit'
}

const noToken = 'Send your API key, or a token of the issuer: Authorization: Bearer KEY.'

const scopesOf = ({ name, scopes }: Caller) =>
  scopes.length === 0 ? `${name} has none` : `${name} has ${scopes.join(', ')}`

const challenge = (error?: string, scope?: string) =>
  `Bearer realm="mlflow-jobs"${error ? `, error="${error}"` : ''}${scope ? `, scope="${scope}"` : ''}`

/** Who calls, and whether they may: bearer tokens (RFC 6750). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Caller, type Callers, everybody, type Scope } from '../callers/index.ts'
import { Forbidden, Unauthenticated } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
  interface FastifyContextConfig {
    /** Without it: read for GET and HEAD, submit for all others. null: open to all, and not counted. */
    scope?: Scope | null
  }
}

/**
 * A hook for onRequest. It throws UNAUTHENTICATED and FORBIDDEN, with WWW-Authenticate, and what `onUnknown` throws;
 * without `callers` all may do all.
 */
export const authenticate =
  (callers: Callers | undefined, onUnknown: UnknownHook) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const scope = scopeOf(request)
    if (!callers || scope === null) {
      request.caller = everybody
      return
    }
    const token = tokenOf(request)
    const caller = await identify(callers, token).catch(async error => {
      if (error instanceof Unauthenticated) {
        reply.header('www-authenticate', challenge(token === undefined ? '' : 'invalid_token'))
        await onUnknown(request, reply)
      }
      throw error
    })
    if (!caller.scopes.includes(scope)) {
      reply.header('www-authenticate', challenge('insufficient_scope', scope))
      throw new Forbidden(scope, scopesOf(caller))
    }
    request.caller = caller
  }

type UnknownHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

const tokenOf = ({ headers }: FastifyRequest) =>
  /^bearer +([\w.~+/-]+=*) *$/i.exec(headers.authorization ?? '')?.[1]

async function identify(callers: Callers, token: string | undefined): Promise<Caller> {
  if (token === undefined) throw new Unauthenticated(noToken)
  const caller = await callers.identify(token)
  if (!caller) throw new Unauthenticated('Nobody has this token, or its time is over.')
  return caller
}

/** Whether nobody is asked who they are, even where callers are. */
export const isOpen = (request: FastifyRequest): boolean => scopeOf(request) === null

function scopeOf({ method, routeOptions: { config } }: FastifyRequest): Scope | null {
  if (config.scope !== undefined) return config.scope
  return method === 'GET' || method === 'HEAD' ? 'read' : 'submit'
}

const noToken = 'Send your API key, or a token of the issuer: Authorization: Bearer KEY.'

const scopesOf = ({ name, scopes }: Caller) =>
  scopes.length === 0 ? `${name} has none` : `${name} has ${scopes.join(', ')}`

const challenge = (error: string, scope?: string) =>
  `Bearer realm="mlflow-jobs"${error ? `, error="${error}"` : ''}${scope ? `, scope="${scope}"` : ''}`

/**
 * A browser sends a form to any address for any page, without asking: so a page elsewhere could run code on the machine
 * of whoever looks at it. Requests that a browser makes for another site are refused, and so are foreign names for a
 * service that only this machine can reach (DNS rebinding).
 */
import { BlockList, isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { CrossSite, MalformedRequest } from '../errors.ts'

export interface CrossSiteOptions {
  /** Whether only this machine may reach the service. */
  onlyLocal: boolean
  /** Origins whose pages may send requests and read answers; "*" is all. */
  corsOrigins: string[]
}

/** Throws CROSS_SITE, and MALFORMED_REQUEST where no host is named. */
export function refuseCrossSite(
  { method, headers, raw }: FastifyRequest,
  { onlyLocal, corsOrigins }: CrossSiteOptions
): void {
  const { host, origin } = headers
  if (host === undefined && raw.httpVersion === '1.1')
    throw new MalformedRequest('The request lacks the header Host.')
  if (onlyLocal && host !== undefined && !isLocal(host))
    throw new CrossSite(
      `The service is not known as ${host}: use localhost, or set ALLOW_UNAUTHENTICATED where a proxy guards it.`
    )
  if (['GET', 'HEAD', 'OPTIONS'].includes(method) || isAllowed(origin, corsOrigins)) return
  const foreign = origin !== undefined && hostOf(origin) !== host
  if (foreign || headers['sec-fetch-site'] === 'cross-site')
    throw new CrossSite(
      'Pages of other sites may not send requests here, but for those that CORS_ORIGINS names.'
    )
}

const isAllowed = (origin: string | undefined, allowed: string[]) =>
  origin !== undefined && (allowed.includes('*') || allowed.includes(origin))

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

function isLocal(host: string): boolean {
  const name = (hostOf(`http://${host}`, 'hostname') ?? '').replace(/^\[|\]$/g, '')
  if (isIP(name)) return loopback.check(name, isIP(name) === 6 ? 'ipv6' : 'ipv4')
  return name === 'localhost' || name.endsWith('.localhost')
}

const hostOf = (url: string, part: 'host' | 'hostname' = 'host') =>
  URL.canParse(url) ? new URL(url)[part] : undefined

/** Bearer tokens of an OpenID Connect issuer: JWTs that its published keys have signed. */
import { createRemoteJWKSet, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { Value } from 'typebox/value'
import { IssuerUnavailable, Unauthenticated } from '../errors.ts'
import { Tenant } from '../tenant.ts'
import { type Caller, type Callers, type OidcConfig, Scope } from './index.ts'

/** What the issuer's scopes begin with, so that another service's "read" is none of ours. */
const scopePrefix = 'mlflow-jobs:'

/** No secret that the two would share: who can check a token could make one. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
]
const timeoutMilliseconds = 5_000
const clockToleranceSeconds = 30

/**
 * The issuer is asked at the first token, and again where one is signed with a key that is not known (at most every 30 s).
 * `identify` throws UNAUTHENTICATED with the reason, and ISSUER_UNAVAILABLE.
 */
export function createOidc({ issuer, audience, tenantClaim }: OidcConfig): Callers {
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined
  const theKeys = () => {
    keys ??= discover(issuer).catch(error => {
      keys = undefined
      throw error
    })
    return keys
  }

  return {
    async identify(token) {
      if (!isJwt(token)) return undefined
      const options = { issuer, audience, algorithms, clockTolerance: clockToleranceSeconds }
      const { payload } = await jwtVerify(token, await theKeys(), {
        ...options,
        requiredClaims: ['exp', tenantClaim]
      }).catch(error => refuse(issuer, error))
      return callerOf(payload, tenantClaim)
    }
  }
}

async function discover(issuer: string) {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const signal = AbortSignal.timeout(timeoutMilliseconds)
    const answer = await fetch(address, { signal, redirect: 'error' })
    if (!answer.ok) throw new Error(`it answers ${answer.status}`)
    const { issuer: named, jwks_uri } = (await answer.json()) as Record<string, unknown>
    if (named !== issuer) throw new Error(`it calls itself ${JSON.stringify(named)}`)
    return createRemoteJWKSet(new URL(String(jwks_uri)), { timeoutDuration: timeoutMilliseconds })
  } catch (error) {
    throw new IssuerUnavailable(`The issuer of tokens, ${address}: ${(error as Error).message}.`)
  }
}

/** A token is at fault where its content is; else the issuer is. */
function refuse(issuer: string, error: Error): never {
  const { JOSEError, JWKSTimeout, JWKSInvalid } = errors
  const isTokens = error instanceof JOSEError && error.code !== JOSEError.code
  if (isTokens && !(error instanceof JWKSTimeout) && !(error instanceof JWKSInvalid))
    throw new Unauthenticated(`The token is not accepted: ${error.message}.`)
  throw new IssuerUnavailable(`The keys of ${issuer} cannot be had: ${error.message}.`)
}

function callerOf(payload: JWTPayload, tenantClaim: string): Caller {
  const tenant = payload[tenantClaim]
  if (!Value.Check(Tenant, tenant))
    throw new Unauthenticated(
      `The token's claim "${tenantClaim}" is ${JSON.stringify(tenant)}: a tenant has 1 to 63 small letters, digits and hyphens.`
    )
  const { scope = '', sub, azp } = payload
  const scopes = String(scope).split(' ')
  return {
    name: String(sub ?? azp ?? 'token'),
    tenant,
    scopes: Scope.enum.filter(one => scopes.includes(scopePrefix + one))
  }
}

function isJwt(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg !== undefined
  } catch {
    return false
  }
}

/** Who may call: a caller is known by the bearer token of a request, and has a tenant and scopes. */
import { type Static, Type } from 'typebox'
import { defaultTenant } from '../tenant.ts'

/**
 * read: jobs, logs, metrics, models and projects; submit: to make, stop, run again and delete them; admin: what concerns
 * the service as a whole, such as /metrics.
 */
export const Scope = Type.Enum(['read', 'submit', 'admin'], { type: 'string' })
export type Scope = Static<typeof Scope>

export interface Caller {
  /** For logs. */
  name: string
  /** Whose jobs and projects it sees. */
  tenant: string
  scopes: readonly Scope[]
}

export interface Callers {
  /** Whose token it is; undefined: nobody's who is known. */
  identify(token: string): Promise<Caller | undefined>
}

export interface OidcConfig {
  /** As tokens have it in "iss"; its discovery document says where its keys are. */
  issuer: string
  /** What tokens must have in "aud". */
  audience: string
  /** The claim that names the tenant. */
  tenantClaim: string
}

/** The first of them that knows the caller. */
export const anyOf = (callers: Callers[]): Callers => ({
  async identify(token) {
    for (const each of callers) {
      const caller = await each.identify(token)
      if (caller) return caller
    }
    return undefined
  }
})

/** Where nobody is asked. */
export const everybody: Caller = { name: 'everybody', tenant: defaultTenant, scopes: Scope.enum }

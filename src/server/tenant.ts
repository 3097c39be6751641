/** Whose jobs and projects they are. */
import { Type } from 'typebox'

/** A part of the names of objects in the storage. */
export const Tenant = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' })

/** Everybody's, where callers are not asked who they are; later that of the callers who are given no other. */
export const defaultTenant = 'default'

/** A path, prefix or ARN of the configuration with the tenant where it says `{tenant}`. */
export const ofTenant = (pattern: string, tenant: string): string =>
  pattern.replaceAll('{tenant}', tenant)

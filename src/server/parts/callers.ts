/** Who may call, and how much each of their tenants may have. */
import { anyOf, type Callers } from '../callers/index.ts'
import { openKeyFile } from '../callers/key-file.ts'
import type { Config } from '../config.ts'
import { type LimitsOf, withOwn } from '../tenant-limits.ts'
import type { Voice } from './voice.ts'

export interface KnownCallers {
  /** undefined: nobody is asked who they are. */
  callers: Callers | undefined
  limitsOf: LimitsOf
}

export async function openCallers(
  { apiKeysFile, oidc, tenantLimits }: Config,
  { problem }: Voice
): Promise<KnownCallers> {
  const keyFile = apiKeysFile ? await openKeyFile(apiKeysFile, { onProblem: problem }) : undefined
  const callers: Callers[] = keyFile ? [keyFile] : []
  if (oidc) {
    const { createOidc } = await import('../callers/oidc.ts')
    callers.push(createOidc(oidc))
  }
  return {
    callers: callers.length > 0 ? anyOf(callers) : undefined,
    limitsOf: tenant => withOwn(tenantLimits, keyFile?.ownLimits(tenant))
  }
}

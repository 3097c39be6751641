/** Takes a job's secrets out of what others say of it, such as a backend that repeats what it was given. */
import { createMask, type Mask } from '../../contract/mask.ts'
import { credentialsIn } from '../../contract/secrets.ts'
import { literalsOf, secretNamesOf } from './environment.ts'
import type { JobRecord } from './job.ts'

export function maskOf({ environment }: Pick<JobRecord, 'environment'>): Mask {
  const literals = literalsOf(environment)
  const named = secretNamesOf(environment).flatMap(name => literals[name] ?? [])
  return createMask([...named, ...Object.values(literals).flatMap(credentialsIn)])
}

/** The same error as far as a log tells it. */
export function maskedError(error: Error, mask: Mask): Error {
  const cause = error.cause instanceof Error ? { cause: maskedError(error.cause, mask) } : undefined
  const masked = new Error(mask.text(error.message), cause)
  masked.name = error.name
  masked.stack = mask.text(error.stack ?? '')
  const { code } = error as NodeJS.ErrnoException
  return code === undefined ? masked : Object.assign(masked, { code })
}

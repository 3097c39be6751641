/** Takes a job's secrets out of what others say of it, such as a backend that repeats what it was given. */
import { createMask, type Mask, shortestGuess } from '../../contract/mask.ts'
import { credentialsIn } from '../../contract/secrets.ts'
import { literalsOf, markedNamesOf, secretNamesOf } from './environment.ts'
import type { JobRecord } from './job.ts'

export function maskOf({ environment }: Pick<JobRecord, 'environment'>): Mask {
  const literals = literalsOf(environment)
  const marked = new Set(markedNamesOf(environment))
  const named = secretNamesOf(environment).flatMap(name => {
    const value = literals[name] ?? ''
    return marked.has(name) || value.length >= shortestGuess ? [value] : []
  })
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

/** How much a field may hold, however it was sent: of a few megabytes a caller could make a million faults, each a sentence. */
import { MalformedRequest } from '../errors.ts'
import { batchBytes, fieldBytes } from '../request-limits.ts'

/** Members of an object in a field; each kind of member has a lower limit of its own. */
export const mostMembers = 1000

/** In bytes. */
export const limitOf = (name: string): number => (name === 'jobs' ? batchBytes : fieldBytes)

export const fieldTooLarge = (name: string) =>
  new MalformedRequest(
    `The field "${name}" is larger than ${limitOf(name)} bytes, the limit of a field. Put what is long into a file of the project.`
  )

import { ModelUnreadable, StorageUnavailable } from '../errors.ts'
import { UnreadableArchive } from '../projects/index.ts'

/** `what` was to be read: a file of the model, or all of them. Errors of the catalogue stay what they are. */
export function explainReadError(error: Error, what: string): Error {
  if (error instanceof UnreadableArchive)
    return new ModelUnreadable(what, error.message, { cause: error })
  if ('statusCode' in error) return error
  return new StorageUnavailable(
    `The storage broke off in the middle of the model: ${error.message}.`,
    {
      cause: error
    }
  )
}

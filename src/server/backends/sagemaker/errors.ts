/** What an error of a call to AWS means. */

export type Meaning =
  /** Nothing was done; less often, please. */
  | 'throttled'
  /** Nothing was done; the operator has to mend credentials, region or clock. */
  | 'unauthenticated'
  /** No answer, or one of a broken service: it may have been done, or not. */
  | 'unknown'
  | 'quota'
  | 'inUse'
  | 'missing'
  /** It would be refused again. */
  | 'refused'

export function meaningOf(error: unknown): Meaning {
  const { name, message, status } = read(error)
  if (/Throttl|^TooManyRequests|^RequestLimitExceeded|^SlowDown$/.test(name) || status === 429)
    return 'throttled'
  if (unauthenticated.test(name)) return 'unauthenticated'
  if (name === 'ResourceLimitExceeded') return 'quota'
  if (name === 'ResourceInUse') return 'inUse'
  if (name === 'ResourceNotFound') return 'missing'
  if (name === 'ValidationException' && message.includes('Requested resource not found'))
    return 'missing'
  return isRefusal(status) ? 'refused' : 'unknown'
}

/** 408 says that the service has waited for too long, not what it has done until then. */
const isRefusal = (status = 500) => status >= 400 && status < 500 && status !== 408

const unauthenticated =
  /^(CredentialsProviderError|TokenProviderError|Expired\w*|RequestExpired|UnrecognizedClient\w*|InvalidClientTokenId|InvalidSignature\w*|IncompleteSignature\w*|MissingAuthenticationToken\w*|SignatureDoesNotMatch)$/

/** In words, for a job's reason: `AccessDeniedException: ...`. */
export function wordsOf(error: unknown): string {
  const { name, message } = read(error)
  return message.startsWith(name) || name === 'Error' ? message : `${name}: ${message}`
}

function read(error: unknown): { name: string; message: string; status: number | undefined } {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), status: undefined }
  const { $metadata: metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return {
    name: error.name,
    message: error.message || error.name,
    status: metadata?.httpStatusCode
  }
}

/** The sentence for a job that waits, out of the service's own. */
export function quotaReason(error: unknown): string {
  const { message } = read(error)
  const [, limit, value] = message.match(/service limit '([^']+)' is ([\d.,]+)/) ?? []
  return limit ? `Waiting for quota: ${limit} is ${value}.` : `Waiting for quota: ${message}`
}

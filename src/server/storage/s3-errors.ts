/** What the SDK says of a failed call, as a sentence that says what would be right. */
import { StorageUnavailable } from '../errors.ts'

/** `what` is the first half of the sentence, such as "The storage cannot be used". */
export function explainS3Error(error: Error, bucket: string, what: string): Error {
  return new StorageUnavailable(`${what}: ${reasonOf(error, bucket)}`, { cause: error })
}

/** Of the answer; undefined where there was none. */
export const statusOf = (error: object): number | undefined =>
  '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }).httpStatusCode : undefined

function reasonOf(error: Error, bucket: string): string {
  const { name, message } = error
  const { code = '' } = error as NodeJS.ErrnoException
  const status = statusOf(error)
  if (name === 'NoSuchBucket')
    return `there is no bucket ${bucket}. Create it, or set S3_BUCKET to another one.`
  if (name === 'CredentialsProviderError')
    return 'no AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give this machine a role.'
  if (wrongCredentials.has(name))
    return `the AWS credentials are not accepted (${name}). Set valid ones, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`
  if (message === 'Region is missing') return 'no AWS region is known. Set AWS_REGION.'
  if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed' || status === 301)
    return `the bucket ${bucket} is in another region. Set AWS_REGION to its region.`
  if (status === 403)
    return `access to the bucket ${bucket} is denied. Its policy, or that of the service's role, must allow s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject.`
  if (name === 'TimeoutError' || name === 'AbortError')
    return `the S3 endpoint does not answer${name === 'AbortError' ? '' : ` (${message})`}. Is AWS_ENDPOINT_URL_S3 or AWS_REGION right, and the network there?`
  if (unreachable.has(code))
    return `the S3 endpoint cannot be reached (${code}: ${message}). Is AWS_ENDPOINT_URL_S3 or AWS_REGION right, and the network there?`
  return status === undefined ? message : `the S3 endpoint answered ${status} ${name}: ${message}`
}

const wrongCredentials = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'TokenRefreshRequired'
])

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT'
])

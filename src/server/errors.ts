/** Every error that a caller can get: code, status and sentence in one place. */
import createError from '@fastify/error'
import type { Fault } from '../contract/fault.ts'

export const NotFound = createError('NOT_FOUND', 'There is nothing at %s.', 404)
export const JobNotFound = createError('JOB_NOT_FOUND', "There is no job '%s'.", 404)
export const ModelNotFound = createError('MODEL_NOT_FOUND', "Job '%s' has left no model.", 404)
export const ModelNotReady = createError(
  'MODEL_NOT_READY',
  "Job '%s' is %s; its model is there when it has ended.",
  409
)
export const ModelFileNotFound = createError(
  'MODEL_FILE_NOT_FOUND',
  "The model of job '%s' has no file '%s'; /jobs/%s/model/files lists those that it has.",
  404
)
export const ModelUnreadable = createError(
  'MODEL_UNREADABLE',
  '%s cannot be read out of model.tar.gz: %s.',
  409
)
export const NotAcceptable = createError('NOT_ACCEPTABLE', '%s', 406)
export const UploadTooLarge = createError(
  'UPLOAD_TOO_LARGE',
  'The archive is larger than %s bytes, the limit of this service.',
  413
)
export const ProjectTooLarge = createError('PROJECT_TOO_LARGE', '%s', 413)
export const NotAnArchive = createError('NOT_AN_ARCHIVE', '%s', 415)
export const MethodNotAllowed = createError(
  'METHOD_NOT_ALLOWED',
  '%s is not possible at %s; possible is %s.',
  405
)
export const RequestTimeout = createError(
  'REQUEST_TIMEOUT',
  'The rest of the request did not come in time.',
  408
)
export const RequestTooLarge = createError('REQUEST_TOO_LARGE', '%s', 413)
export const UriTooLong = createError('URI_TOO_LONG', 'The address is longer than %s bytes.', 414)
export const ExpectationFailed = createError(
  'EXPECTATION_FAILED',
  'The only expectation that can be met is "100-continue"; this one is "%s".',
  417
)
export const TooManyRequests = createError(
  'TOO_MANY_REQUESTS',
  'The tenant %s has sent more than %s requests in this minute, as many as one may.',
  429
)
export const TooManyUnauthenticated = createError(
  'TOO_MANY_UNAUTHENTICATED',
  'More than %s requests of nobody who is known came from this address in this minute.',
  429
)
export const HeadersTooLarge = createError(
  'HEADERS_TOO_LARGE',
  'The headers of the request are larger than %s bytes.',
  431
)
export const Unauthenticated = createError('UNAUTHENTICATED', '%s', 401)
export const Forbidden = createError('FORBIDDEN', 'This needs the scope "%s"; %s.', 403)
/** Whose tokens callers send. */
export const IssuerUnavailable = createError('ISSUER_UNAVAILABLE', '%s', 503)
export const CrossSite = createError('CROSS_SITE', '%s', 403)
export const UnsupportedMediaType = createError(
  'UNSUPPORTED_MEDIA_TYPE',
  'The body is %s. Send %s.',
  415
)
export const RangeNotSatisfiable = createError(
  'RANGE_NOT_SATISFIABLE',
  'The range lies outside the %s bytes that there are.',
  416
)
/** Nobody reads it: it ends what was done for the client. */
export const ClientGone = createError('CLIENT_GONE', 'The client has gone.', 499)
export const MalformedRequest = createError('MALFORMED_REQUEST', '%s', 400)
export const IdempotencyKeyReused = createError(
  'IDEMPOTENCY_KEY_REUSED',
  "The Idempotency-Key '%s' was used for other content before. Send a new key with new content, and the same content with the same key.",
  422
)
export const IdempotencyKeyInUse = createError(
  'IDEMPOTENCY_KEY_IN_USE',
  "Another request with the Idempotency-Key '%s' is still under way; try again.",
  409
)
export const JobNotTerminal = createError(
  'JOB_NOT_TERMINAL',
  "Job '%s' is %s; only a job that has ended can be deleted. Stop it first.",
  409
)
export const ProjectNotFound = createError(
  'PROJECT_NOT_FOUND',
  "There is no project '%s' in the storage.",
  404
)
/** What every storage throws where it cannot do what it is asked for now. */
export const StorageUnavailable = createError('STORAGE_UNAVAILABLE', '%s', 503)
export const ServiceBusy = createError('SERVICE_BUSY', '%s', 503)
export const QueueFull = createError(
  'QUEUE_FULL',
  'The queue of the service is full: of all callers together, no more than %s jobs may wait.',
  503
)
export const TenantQueueFull = createError(
  'TENANT_QUEUE_FULL',
  '%s jobs of the tenant %s wait; no more than %s of one tenant may.',
  429
)
export const TenantBusy = createError(
  'TENANT_BUSY',
  '%s uploads of the tenant %s are under way, as many as one may have at once.',
  429
)
export const DiskFull = createError('DISK_FULL', '%s', 503)
export const TooManyWaiting = createError('TOO_MANY_WAITING', '%s', 429)
/** What every store throws where its database cannot be used now. */
export const StoreUnavailable = createError('STORE_UNAVAILABLE', '%s', 503)
export const ShuttingDown = createError('SHUTTING_DOWN', 'The service is stopping; try again.', 503)

const Invalid = createError(
  'SUBMISSION_INVALID',
  'The submission has %s; "errors" names each.',
  422
)

/** Carries every fault of a submission. */
export class SubmissionInvalid extends Invalid {
  readonly faults: Fault[]
  constructor(faults: Fault[]) {
    super(faults.length === 1 ? 'a fault' : `${faults.length} faults`)
    this.faults = faults
  }
}

const InvalidMembers = createError(
  'INVALID_REQUEST',
  'The request has %s; "errors" names each.',
  400
)

/** Carries every fault of the address, the headers or the body. */
export class InvalidRequest extends InvalidMembers {
  readonly faults: Fault[]
  constructor(faults: Fault[]) {
    super(faults.length === 1 ? 'a fault' : `${faults.length} faults`)
    this.faults = faults
  }
}

/** What is answered where nothing may be said of the inside. */
export const InternalError = createError(
  'INTERNAL_ERROR',
  'Something went wrong inside the service; its log says more under this instance.',
  500
)

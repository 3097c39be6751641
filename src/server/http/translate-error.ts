/** Errors of Fastify, its plugins and Node's HTTP parser as those of the catalogue, so that codes stay when these change. */
import { getSystemErrorMessage } from 'node:util'
import type { FastifyError, FastifyRequest } from 'fastify'
import type { Fault } from '../../contract/fault.ts'
import { errorEntry } from '../error-guide.ts'
import {
  DiskFull,
  InternalError,
  InvalidRequest,
  MalformedRequest,
  NotFound,
  RequestTooLarge,
  StorageUnavailable,
  UnsupportedMediaType
} from '../errors.ts'
import { bodyBytes, formParts } from '../request-limits.ts'

export function translateError(error: FastifyError, request: FastifyRequest): FastifyError {
  if (isOurs(error)) return error
  if (isFull(error)) return new DiskFull(full)
  if (isMachines(error)) return new StorageUnavailable(saysNo(error))
  if (request.raw.errored) return new MalformedRequest('The request broke off.')
  if (error.validation) return new InvalidRequest(error.validation.map(toFault(error)))
  return byCode[error.code]?.(error) ?? byStatus(error, request)
}

/** The file system says so, or SQLite (SQLITE_FULL). */
const isFull = ({ code, errcode }: FastifyError & { errcode?: number }) =>
  ['ENOSPC', 'EDQUOT'].includes(code) || (code === 'ERR_SQLITE_ERROR' && errcode === 13)

const full = 'The service’s disk is full; nothing of the request was kept.'

/** The disk or the machine denies what is right in itself; what is wrong (no such file, say) is a defect. */
const isMachines = ({ code, syscall }: FastifyError & { syscall?: string }) =>
  syscall !== undefined && ['EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EROFS'].includes(code)

const saysNo = ({ code, errno = 0 }: FastifyError & { errno?: number }) =>
  `The service’s disk cannot be used now: ${getSystemErrorMessage(errno)} (${code}).`

const isOurs = ({ code, statusCode }: FastifyError) =>
  statusCode !== undefined && errorEntry(code)?.status === statusCode

const byCode: Record<string, (error: FastifyError) => FastifyError> = {
  FST_ERR_BAD_URL: () => new MalformedRequest('The path is not percent-encoded UTF-8.'),
  FST_ERR_CTP_BODY_TOO_LARGE: () =>
    new RequestTooLarge(`The body is larger than ${bodyBytes} bytes, the limit of this service.`),
  FST_ERR_CTP_INVALID_JSON_BODY: ({ message }) =>
    new MalformedRequest(`The body is not JSON: ${message}.`),
  FST_PARTS_LIMIT: () =>
    new RequestTooLarge(`The form has more than ${formParts} parts, the limit of this service.`),
  FST_PROTO_VIOLATION: () =>
    new MalformedRequest(
      'The form has a field with a name that no field can have, such as __proto__.'
    ),
  FST_MP_PREMATURE_CLOSE: () => new MalformedRequest('The request broke off.')
}

const forSubmissions = 'multipart/form-data, as curl -F does, or application/json'

function byStatus(error: FastifyError, { url, headers }: FastifyRequest): FastifyError {
  const { statusCode = 500, message } = error
  if (statusCode === 404) return new NotFound(url)
  if (statusCode === 413) return new RequestTooLarge(message)
  if (statusCode === 415)
    return new UnsupportedMediaType(headers['content-type'] ?? 'none', forSubmissions)
  return statusCode >= 400 && statusCode < 500 ? new MalformedRequest(message) : new InternalError()
}

const toFault =
  ({ validationContext }: FastifyError) =>
  ({ instancePath, message = 'is wrong', params }: Validation): Fault => ({
    pointer: `/${validationContext ?? 'request'}${instancePath}`,
    detail: `This ${message}${named(params)}.`
  })

type Validation = NonNullable<FastifyError['validation']>[number]

/** The values that are possible, and the names that are not. */
function named({ allowedValues, additionalProperty }: Record<string, unknown>): string {
  if (Array.isArray(allowedValues)) return `: ${allowedValues.join(', ')}`
  return typeof additionalProperty === 'string' ? `: "${additionalProperty}"` : ''
}

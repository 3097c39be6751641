/** Every error as application/problem+json (RFC 9457). */
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Fault } from '../contract/fault.ts'
import { NotFound, SubmissionInvalid } from './errors.ts'

export function toProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const status = statusOf(error)
  if (status >= 500) request.log.error({ err: error }, 'the request failed')
  // What is left of an upload that was refused is not read: the connection cannot be used again.
  if (status === 413) reply.header('connection', 'close')
  if (status === 503) reply.header('retry-after', retrySeconds)
  const faults = faultsOf(error)
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Error',
      status,
      detail: status === 500 ? inside : error.message,
      code: status === 500 ? 'INTERNAL_ERROR' : codeOf(error),
      instance: request.id,
      ...(faults ? { errors: faults } : {})
    })
}

export const notFound = (request: FastifyRequest, reply: FastifyReply) =>
  toProblem(new NotFound(`${request.method} ${request.url.split('?')[0]}`), request, reply)

const retrySeconds = 5

const inside = 'Something went wrong inside the service; its log says more under this instance.'

const statusOf = ({ statusCode = 500, code }: FastifyError) =>
  code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' ? 415 : statusCode < 400 ? 500 : statusCode

/** Fastify's own codes by their meaning, so that they stay when Fastify changes. */
function codeOf({ code = 'ERROR', validation }: FastifyError): string {
  if (validation) return 'INVALID_REQUEST'
  return code.startsWith('FST_') ? 'MALFORMED_REQUEST' : code
}

function faultsOf(error: FastifyError): Fault[] | undefined {
  if (error instanceof SubmissionInvalid) return error.faults
  return error.validation?.map(({ instancePath, message = 'is wrong', params }) => ({
    pointer: `/${error.validationContext ?? 'request'}${instancePath}`,
    detail: `This ${message}${named(params)}.`
  }))
}

/** The values that are possible, and the names that are not. */
function named({ allowedValues, additionalProperty }: Record<string, unknown>): string {
  if (Array.isArray(allowedValues)) return `: ${allowedValues.join(', ')}`
  return typeof additionalProperty === 'string' ? `: "${additionalProperty}"` : ''
}

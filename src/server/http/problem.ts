/** Every error as application/problem+json (RFC 9457). */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { errorEntry, errorUri } from '../error-guide.ts'
import { InvalidRequest, SubmissionInvalid } from '../errors.ts'
import { retrySeconds } from '../request-limits.ts'
import { lingerWhenAnswered } from './linger.ts'
import { translateError } from './translate-error.ts'

export function toProblem(thrown: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const error = translateError(thrown, request)
  const problem = problemOf(error, request.id)
  const { status } = problem
  reply.problemCode = error.code
  // What is refused because the service is full has no cause: the request's own line has its code.
  if (status >= 500 && (error !== thrown || thrown.cause !== undefined))
    request.log.error({ err: thrown }, 'the request failed')
  // What is left of a body that was refused is not read: the connection cannot be used again.
  if (status === 413 || status === 417 || (refusesUnread.has(status) && isUnread(request))) {
    reply.header('connection', 'close')
    lingerWhenAnswered(reply.raw)
  }
  if (errorEntry(error.code)?.passing && !reply.hasHeader('retry-after'))
    reply.header('retry-after', retrySeconds)
  return reply
    .code(status)
    .headers({ 'x-request-id': request.id, ...problemHeaders })
    .send(problem)
}

/** Answered before a body is looked at. */
const refusesUnread = new Set([401, 403, 429, 503])

const isUnread = ({ headers, raw }: FastifyRequest) =>
  !raw.complete &&
  (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)

/** The body of an answer; `instance` is the request's id. */
export function problemOf(error: FastifyError, instance: string) {
  const { statusCode: status = 500, code, message: detail } = error
  const title = errorEntry(code)?.meaning ?? ''
  const faults =
    error instanceof SubmissionInvalid || error instanceof InvalidRequest ? error.faults : undefined
  return {
    type: errorUri(code),
    title,
    status,
    detail,
    code,
    instance,
    ...(faults ? { errors: faults } : {})
  }
}

export const problemHeaders = {
  'content-type': 'application/problem+json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff'
}

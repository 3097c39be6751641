/** Answers for what Node's HTTP parser cannot read, so that no request has come of it: Fastify knows nothing of these. */
import { randomUUID } from 'node:crypto'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError } from 'fastify'
import { HeadersTooLarge, MalformedRequest, RequestTimeout, UriTooLong } from '../errors.ts'
import { headerBytes } from '../request-limits.ts'
import { linger } from './linger.ts'
import { problemHeaders, problemOf } from './problem.ts'

/** What Node says of it; `rawPacket` are the bytes that were read last. */
type ParseError = Error & { code?: string; rawPacket?: unknown }

export function refuseUnreadable(error: ParseError, socket: Socket): void {
  if (!socket.writable) return
  if (isAnswering(socket)) socket.destroy(error)
  else answer(toCatalogue(error), socket)
}

/** The answer to an earlier request is under way: another in its midst would be taken for a part of it. */
const isAnswering = (socket: Socket & { _httpMessage?: ServerResponse | null }) =>
  socket._httpMessage?.headersSent === true

function toCatalogue({ code, message, rawPacket }: ParseError): FastifyError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new RequestTimeout()
  if (code !== 'HPE_HEADER_OVERFLOW') return new MalformedRequest(`This is not HTTP: ${message}.`)
  const begin = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1', 0, headerBytes) : ''
  return /^[A-Z]+ \S*$/.test(begin) ? new UriTooLong(headerBytes) : new HeadersTooLarge(headerBytes)
}

function answer(error: FastifyError, socket: Socket): void {
  const id = randomUUID()
  const problem = problemOf(error, id)
  const body = JSON.stringify(problem)
  const headers = {
    ...problemHeaders,
    'content-length': Buffer.byteLength(body),
    'x-request-id': id,
    connection: 'close'
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`
  )
  linger(socket)
}

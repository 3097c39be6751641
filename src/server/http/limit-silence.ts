/** Requests whose body stops to come, or only trickles, are given up, with all that was kept for them. */
import type { IncomingMessage } from 'node:http'
import type { onRequestHookHandler } from 'fastify'
import { refuseUnreadable } from './refuse-unreadable.ts'

/** A hook: answers 408 when in so long less than `leastBytes` have come of a body. */
export const limitSilence =
  (milliseconds: number, leastBytes = 1): onRequestHookHandler =>
  ({ raw }, reply, next) => {
    if (hasBody(raw)) {
      const timer = watchBody(raw, milliseconds, leastBytes)
      reply.raw.once('close', () => clearInterval(timer))
    }
    next()
  }

const hasBody = ({ headers }: IncomingMessage) =>
  headers['content-length'] !== undefined || Boolean(headers['transfer-encoding'])

function watchBody(request: IncomingMessage, milliseconds: number, leastBytes: number) {
  const { socket } = request
  let seen = socket.bytesRead
  return setInterval(() => {
    // What lies here unread was sent: then it is the service that is slow.
    const silent =
      socket.bytesRead - seen < leastBytes && request.readableLength === 0 && !request.complete
    if (silent) refuseUnreadable(timeout, socket)
    seen = socket.bytesRead
  }, milliseconds)
}

const timeout = Object.assign(new Error('Too little came.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })

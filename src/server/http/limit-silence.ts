/** Requests whose body stops to come, or only trickles, are given up, with all that was kept for them. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { refuseUnreadable } from './refuse-unreadable.ts'

/** A hook: answers 408 when in so long less than `leastBytes` have come of a body. */
export const limitSilence =
  (milliseconds: number, leastBytes = 1) =>
  async ({ raw }: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (raw.headers['content-length'] === undefined && !raw.headers['transfer-encoding']) return
    const { socket } = raw
    let seen = socket.bytesRead
    const timer = setInterval(() => {
      // What lies here unread was sent: then it is the service that is slow.
      const silent =
        socket.bytesRead - seen < leastBytes && raw.readableLength === 0 && !raw.complete
      if (silent) refuseUnreadable(timeout, socket)
      seen = socket.bytesRead
    }, milliseconds)
    reply.raw.once('close', () => clearInterval(timer))
  }

const timeout = Object.assign(new Error('Too little came.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })

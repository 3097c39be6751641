import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { ClientGone } from '../errors.ts'

/** Ends the reading of a stored object when the client goes, also while nothing of the answer has been sent yet. */
export function readFor(reply: FastifyReply, stored: Readable): Readable {
  const stop = () => stored.destroy(new ClientGone())
  if (reply.raw.destroyed) stop()
  else reply.raw.once('close', stop)
  return stored
}

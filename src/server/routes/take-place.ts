/** Hooks for routes of which only so many requests are worked on at once. They run before a body is read. */
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { Claim, Disk, Room } from '../disk.ts'
import type { Places } from '../places.ts'
import { formBytes } from '../request-limits.ts'

/** The place is held until the answer is sent, or nobody waits for it. */
export const takeDownload =
  (places: Places): onRequestAsyncHookHandler =>
  async (_request, reply) => {
    reply.raw.once('close', places.take('downloads'))
  }

export interface UploadOptions {
  places: Places
  disk: Disk
  uploadBytes: number
}

/** Of a route that is sent an archive. */
export function takeUpload({ places, disk, uploadBytes }: UploadOptions) {
  const claims = new WeakMap<FastifyRequest, Claim>()
  const hooks = whileHandled(async request => {
    const giveBack = places.take('uploads', request.caller.tenant)
    try {
      // One that is longer than it may be is refused for that, later.
      const length = Number(request.headers['content-length'] ?? 0)
      const claim = await disk.claim(Math.min(length, uploadBytes + formBytes))
      claims.set(request, claim)
      return () => {
        claim.giveBack()
        giveBack()
      }
    } catch (error) {
      giveBack()
      throw error
    }
  })
  return {
    hooks,
    /** The room that the request's archive may take. */
    roomOf: (request: FastifyRequest): Room => claims.get(request) ?? disk.room
  }
}

/** Of a route that reads a stored project from its begin to its end: a download that the service makes for itself. */
export const takeReading = (places: Places) => whileHandled(async () => places.take('downloads'))

/** The place is held until the handler has ended: an archive is worked on though nobody waits any more. */
function whileHandled(take: (request: FastifyRequest) => Promise<() => void>) {
  const held = new WeakMap<FastifyRequest, () => void>()
  return {
    async onRequest(request: FastifyRequest): Promise<void> {
      held.set(request, await take(request))
    },
    async onSend(request: FastifyRequest): Promise<void> {
      held.get(request)?.()
    }
  }
}

/** Hooks for routes of which only so many requests are worked on at once. They run before a body is read. */
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { Disk } from '../disk.ts'
import type { Places } from '../places.ts'

/** The place is held until the answer is sent, or nobody waits for it. */
export const takeDownload =
  (places: Places): onRequestAsyncHookHandler =>
  async (_request, reply) => {
    reply.raw.once('close', places.take('downloads'))
  }

/** The place is held until the handler has ended: an archive is worked on though its sender has gone. */
export function takeUpload(places: Places, disk: Disk) {
  const held = new WeakMap<FastifyRequest, () => void>()
  return {
    async onRequest(request: FastifyRequest): Promise<void> {
      await disk.check(Number(request.headers['content-length'] ?? 0))
      held.set(request, places.take('uploads'))
    },
    async onSend(request: FastifyRequest, _reply: FastifyReply): Promise<void> {
      held.get(request)?.()
    }
  }
}

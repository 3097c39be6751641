/** Hooks for routes of which only so many requests are worked on at once. They run before a body is read. */
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { Disk } from '../disk.ts'
import type { Places } from '../places.ts'

/** The place is held until the answer is sent, or nobody waits for it. */
export const takeDownload =
  (places: Places): onRequestAsyncHookHandler =>
  async (_request, reply) => {
    reply.raw.once('close', places.take('downloads'))
  }

/** Of a route that is sent an archive. */
export const takeUpload = (places: Places, disk: Disk) =>
  whileHandled(async ({ headers }) => {
    await disk.check(Number(headers['content-length'] ?? 0))
    return places.take('uploads')
  })

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

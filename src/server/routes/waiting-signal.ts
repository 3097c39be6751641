/**
 * A signal for what an answer waits for: it comes when the time is over, when the service stops, and when the client has
 * gone or was answered. Until then the request holds a place.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { ShuttingDown } from '../errors.ts'
import type { PlaceKind, Places } from '../places.ts'

/** Without `seconds`, there is no such time. Throws TOO_MANY_WAITING. */
export type WaitingSignal = (reply: FastifyReply, seconds?: number) => AbortSignal

export function createWaitingSignal(
  app: FastifyInstance,
  places: Places,
  kind: PlaceKind
): WaitingSignal {
  const waiting = new Set<AbortController>()
  app.addHook('preClose', async () => {
    for (const controller of waiting) controller.abort(new ShuttingDown())
  })

  return (reply, seconds) => {
    const controller = new AbortController()
    const abort = () => controller.abort()
    if (seconds === 0 || reply.raw.destroyed) abort()
    else {
      const giveBack = places.take(kind)
      waiting.add(controller)
      const timer = seconds === undefined ? undefined : setTimeout(abort, seconds * 1000)
      reply.raw.once('close', () => {
        clearTimeout(timer)
        giveBack()
        waiting.delete(controller)
        abort()
      })
    }
    return controller.signal
  }
}

/** The end of the HTTP side: what is under way ends in time, or is cut off. */
import type { FastifyInstance } from 'fastify'

/**
 * Takes no connection any more, and answers when all have ended. Node closes those that are idle at that moment, and not
 * those that become idle afterwards, such as a follower's: without more, they would last until their clients close them.
 */
export async function drain(app: FastifyInstance, graceMilliseconds: number): Promise<void> {
  const idle = setInterval(() => app.server.closeIdleConnections(), 50)
  const late = setTimeout(() => app.server.closeAllConnections(), graceMilliseconds)
  try {
    await app.close()
  } finally {
    clearInterval(idle)
    clearTimeout(late)
  }
}

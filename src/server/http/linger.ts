/**
 * The end of connections on which more may come than is read. Closed at once with bytes unread, a connection is reset, and
 * the answer may be lost with it: its client has a broken pipe where a 429 or 503 should stand.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A client that is still sending reads its answer meanwhile, or never. */
const lingerMilliseconds = 2_000

/** Ends what is written; what still comes is taken until the other side ends, too, or for two seconds. */
export function linger(socket: Socket): void {
  socket.end()
  // Not by way of a request, which may be destroyed: then Node reads no more.
  socket.removeAllListeners('data').on('data', () => {})
  const timer = setTimeout(() => socket.destroy(), lingerMilliseconds)
  socket.once('close', () => clearTimeout(timer))
}

/** Of an answer that closes its connection: Node does so by `destroySoon` when it is sent. */
export function lingerWhenAnswered({ socket }: ServerResponse): void {
  if (socket) socket.destroySoon = () => linger(socket)
}

/** Answers that nobody takes are given up, with the connection: their readers would hold a place, a file and memory. */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Ends connections on which for so long nothing was taken of what lies ready, and those on which nothing is under way. An
 * answer that has nothing to say, as that of a log whose job is silent, may last. Node's timer of sockets, by which this
 * is told, starts anew whenever the system has taken something.
 */
export function limitSlowReaders(server: Server, milliseconds: number): void {
  server.timeout = milliseconds
  server.on('timeout', (socket: Socket & { _httpMessage?: ServerResponse | null }) => {
    if (!socket._httpMessage || socket.writableLength > 0) socket.destroy()
    else socket.setTimeout(milliseconds)
  })
}

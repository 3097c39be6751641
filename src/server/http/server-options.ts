/** How the HTTP server deals with what is large or slow. */
import type { Server } from 'node:http'
import type { FastifyHttpOptions } from 'fastify'
import { bodyBytes, headerBytes, headerSeconds } from '../request-limits.ts'

export const serverOptions = {
  bodyLimit: bodyBytes,
  // A large upload over a slow line may take hours: not its length is limited but its silence (limit-silence.ts).
  requestTimeout: 0,
  // A follower of a log hears nothing for as long as its job says nothing.
  connectionTimeout: 0,
  // Longer than the 60 seconds of most load balancers, so that they never send into a connection that closes.
  keepAliveTimeout: 72_000,
  http: {
    maxHeaderSize: headerBytes,
    headersTimeout: headerSeconds * 1000,
    // How often that is looked at.
    connectionsCheckingInterval: 5000,
    // Node would refuse with an empty answer; refuse-cross-site.ts does with a problem.
    requireHostHeader: false
  },
  // Whoever asks for an id that is too long is told that there is no such thing.
  routerOptions: { maxParamLength: headerBytes }
} satisfies FastifyHttpOptions<Server>

/** Ports of 127.0.0.1. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** The port that is preferred if nothing listens on it, else any other. */
export async function freePort(preferred = 0): Promise<number> {
  const server = createServer().listen(preferred, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if (preferred !== 0) return await freePort()
    throw error
  }
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { freePort } from '../../src/system/free-port.ts'

t.test(
  'is the preferred port where nothing listens on it, and another where something does',
  async t => {
    const port = await freePort()
    t.equal(await freePort(port), port)
    const server = createServer().listen(port, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    t.equal((server.address() as AddressInfo).port, port)
    const other = await freePort(port)
    t.not(other, port)
    t.ok(other > 0)
  }
)

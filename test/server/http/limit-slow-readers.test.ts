import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { limitSlowReaders } from '../../../src/server/http/limit-slow-readers.ts'

const milliseconds = 200

/** A connection that has asked for what the body gives. */
async function ask(t: Test, body: AsyncGenerator<Buffer>, limit = milliseconds) {
  const app = Fastify({ keepAliveTimeout: milliseconds })
  t.teardown(() => app.close())
  limitSlowReaders(app.server, limit)
  const ended = Promise.withResolvers<void>()
  app.get('/', async (_request, reply) => {
    reply.raw.once('close', ended.resolve)
    return reply.send(Readable.from(body, { objectMode: false }))
  })
  const socket = connect(Number(new URL(await app.listen()).port), 'localhost')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  return { socket, ended: ended.promise }
}

async function* endless() {
  for (;;) yield Buffer.alloc(1024 * 1024)
}

t.test('who asks for bytes and never takes them is cut off', async t => {
  const { socket, ended } = await ask(t, endless())
  socket.pause()

  await ended

  t.pass('the answer was given up')
})

t.test('who takes bytes slowly is served for as long as it takes', async t => {
  const { socket, ended } = await ask(t, endless(), 1000)
  let cut = false
  ended.then(() => {
    cut = true
  })
  for (let n = 0; n < 8; n++) {
    socket.pause()
    await sleep(300)
    socket.resume()
    // The system takes more of the other side in pieces of about a MiB.
    for (let taken = 0; taken < 4 * 2 ** 20 && !cut; )
      taken += (await Promise.race([once(socket, 'data'), ended.then(() => [''])]))[0].length
  }

  t.notOk(cut)
})

t.test('an answer that has nothing to say for long is kept', async t => {
  async function* silent() {
    yield Buffer.from('begins')
    await sleep(5 * milliseconds)
    yield Buffer.from('ends')
  }
  const { socket } = await ask(t, silent())

  let received = ''
  for await (const chunk of socket) {
    received += chunk
    if (received.includes('ends')) break
  }

  t.match(received, /begins[\s\S]*ends/)
})

t.test('a connection on which nothing is asked is closed', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  limitSlowReaders(app.server, milliseconds)
  const socket = connect(Number(new URL(await app.listen()).port), 'localhost')

  await once(socket.resume(), 'close')

  t.pass('it was closed')
})

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import { limitSilence } from '../../../src/server/http/limit-silence.ts'
import { exchange } from '../../helpers/exchange.ts'

t.test('a body that stops to come is answered with 408', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRequest', limitSilence(50))
  app.post('/', async request => request.body)

  const answer = await exchange(
    await app.listen(),
    'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\n',
    'half'
  )

  t.equal(answer.status, 408)
  t.match(JSON.parse(answer.body), { code: 'REQUEST_TIMEOUT' })
})

for (const body of ['whole', ''])
  t.test(`a request that came whole may take its time, with ${body.length} bytes`, async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    app.addHook('onRequest', limitSilence(10))
    app.post('/', async request => {
      await sleep(100)
      return `got ${request.body ?? ''}`
    })

    const response = await fetch(await app.listen(), { method: 'POST', body })

    t.equal(await response.text(), `got ${body}`)
  })

t.test('an upload goes on for as long as something comes of it', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRequest', limitSilence(200))
  app.post('/', async request => request.body)
  const slowly = async function* () {
    for (const letter of 'slowly') {
      await sleep(50)
      yield Buffer.from(letter)
    }
  }

  const response = await fetch(await app.listen(), {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: slowly(),
    duplex: 'half'
  })

  t.equal(await response.text(), 'slowly')
})

t.test('a body that comes a byte at a time is answered with 408', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRequest', limitSilence(200, 100))
  app.post('/', async request => request.body)
  const { port } = new URL(await app.listen())
  const socket = connect(Number(port), 'localhost')
  socket.write(
    'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 1000000\r\n\r\n'
  )
  const trickle = setInterval(() => socket.write('x'), 20)
  t.teardown(() => clearInterval(trickle))

  const received = Buffer.concat(await Array.fromAsync(socket)).toString()

  t.match(received, /^HTTP\/1\.1 408 [\s\S]*REQUEST_TIMEOUT/)
})

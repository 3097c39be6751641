import { readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { refuseUnreadable } from '../../../src/server/http/refuse-unreadable.ts'
import { testApp, testAppWith } from '../../helpers/app.ts'
import { exchange } from '../../helpers/exchange.ts'

const long = 'x'.repeat(20_000)

const unreadable: [title: string, sent: string, status: number, code: string][] = [
  ['what is no HTTP', 'HELLO\r\n\r\n', 400, 'MALFORMED_REQUEST'],
  ['a method that does not exist', 'FETCH / HTTP/1.1\r\n\r\n', 400, 'MALFORMED_REQUEST'],
  ['a header without a colon', 'GET / HTTP/1.1\r\nhost\r\n\r\n', 400, 'MALFORMED_REQUEST'],
  [
    'a length that is none',
    'POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-length: many\r\n\r\n',
    400,
    'MALFORMED_REQUEST'
  ],
  [
    'two ways to tell the length',
    'POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
    'MALFORMED_REQUEST'
  ],
  ['an address that is too long', `GET /${long} HTTP/1.1\r\n\r\n`, 414, 'URI_TOO_LONG'],
  ['headers that are too large', `GET / HTTP/1.1\r\na: ${long}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE']
]
for (const [title, sent, status, code] of unreadable)
  t.test(`${title}: ${status} ${code}, as a problem`, async t => {
    const { app } = await testApp(t)

    const answer = await exchange(await app.listen(), sent)

    const problem = JSON.parse(answer.body)
    t.equal(answer.status, status)
    t.match(problem, { code, status, type: `/docs/errors#${code}` })
    t.match(answer.headers, {
      'content-type': 'application/problem+json',
      'x-request-id': problem.instance,
      connection: 'close'
    })
  })

t.test('headers that do not come to an end are answered with 408', async t => {
  const server = createServer({ headersTimeout: 50, connectionsCheckingInterval: 20 })
  server.on('clientError', refuseUnreadable)
  const url = await listen(t, server)

  const answer = await exchange(url, 'GET / HTTP/1.1\r\nhost: loc')

  t.equal(answer.status, 408)
  t.match(JSON.parse(answer.body), { code: 'REQUEST_TIMEOUT' })
})

t.test('an answer under way is broken off, and never has another in its midst', async t => {
  const server = createServer((_request, response) => response.write('half of'))
  server.on('clientError', refuseUnreadable)
  const url = await listen(t, server)

  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')

  let received = ''
  for await (const bytes of socket) {
    received += bytes
    if (received.includes('half of')) socket.write('nonsense\r\n\r\n')
  }

  t.match(received, /^HTTP\/1.1 200 OK/)
  t.notMatch(received, 'problem')
})

t.test('an upload that stops to be HTTP is refused, and leaves nothing', async t => {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const { app, folder, store } = await testAppWith(t, {
    logger: { level: 'error', stream }
  })

  const answer = await exchange(
    await app.listen(),
    'POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ntransfer-encoding: chunked\r\n\r\n',
    '50\r\n--b\r\ncontent-disposition: form-data; name="project"; filename="a"\r\n\r\nabcdefghi\r\n',
    'no chunk\r\n'
  )

  t.equal(answer.status, 400)
  t.equal(JSON.parse(answer.body).code, 'MALFORMED_REQUEST')
  while ((await readdir(folder)).length > 0) await sleep(10)
  t.same(await store.list({ limit: 10 }), [])
  t.same(lines, [], 'it is no fault of the service')
})

t.test('a request of HTTP/1.1 names its host, one of HTTP/1.0 need not', async t => {
  const { app } = await testApp(t)
  const url = await app.listen()

  const newer = await exchange(url, 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n')
  const older = await exchange(url, 'GET /healthz HTTP/1.0\r\n\r\n')

  t.equal(newer.status, 400)
  t.match(JSON.parse(newer.body), { detail: 'The request lacks the header Host.' })
  t.equal(older.status, 200)
})

t.test('an expectation that Node does not know is answered with a problem', async t => {
  const { app } = await testApp(t)

  const answer = await exchange(
    await app.listen(),
    'POST /jobs HTTP/1.1\r\nhost: localhost\r\nexpect: a-miracle\r\ncontent-length: 9\r\n\r\n'
  )

  t.equal(answer.status, 417)
  t.equal(JSON.parse(answer.body).code, 'EXPECTATION_FAILED')
})

async function listen(t: Test, server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('It has no port.')
  return `http://127.0.0.1:${address.port}`
}

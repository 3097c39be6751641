import t from 'tap'
import { testApp, testAppWith } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'

const origin = 'https://ml.example'
const preflight = {
  method: 'OPTIONS',
  url: '/jobs',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'idempotency-key'
  }
} as const

t.test('without CORS_ORIGINS no page elsewhere reads an answer', async t => {
  const { app } = await testApp(t)

  const asked = await app.inject(preflight)
  const read = await app.inject({ url: '/jobs', headers: { origin } })

  for (const { headers } of [asked, read])
    t.notOk(Object.keys(headers).some(name => name.startsWith('access-control')))
})

t.test('pages of the origins that are named may ask, submit and read', async t => {
  const corsOrigins = ['https://other.example', origin]
  const { app } = await testAppWith(t, { corsOrigins })

  const asked = await app.inject(preflight)
  const sent = await app.inject({
    method: 'POST',
    url: '/jobs/nope/stop',
    headers: { origin, 'sec-fetch-site': 'cross-site' }
  })

  t.equal(asked.statusCode, 204)
  t.match(asked.headers, {
    allow: 'GET, HEAD, POST, OPTIONS',
    vary: /Origin/,
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
    'access-control-allow-headers': 'idempotency-key'
  })
  t.equal(sent.json().code, 'JOB_NOT_FOUND')
  t.match(sent.headers, {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': /ETag.*Link, Location.*Retry-After, X-Request-Id/
  })
})

t.test('what varies by more than the origin says both', async t => {
  const { app, store } = await testAppWith(t, { corsOrigins: [origin] })
  await store.insert(aJob({ id: 'job-a' }))

  const plain = await app.inject('/jobs/job-a')
  const typed = await app.inject('/jobs/job-a/logs')

  t.equal(plain.headers.vary, 'Origin')
  t.equal(typed.headers.vary, 'accept, Origin')
})

t.test('pages of other origins may neither submit nor read', async t => {
  const { app } = await testAppWith(t, { corsOrigins: ['https://other.example'] })

  const response = await app.inject({ method: 'POST', url: '/jobs', headers: { origin } })

  t.equal(response.statusCode, 403)
  t.equal(response.headers['access-control-allow-origin'], undefined)
})

t.test('* lets in every page, even that of a file', async t => {
  const { app } = await testAppWith(t, { corsOrigins: ['*'] })

  for (const other of [origin, 'null']) {
    const response = await app.inject({
      method: 'POST',
      url: '/jobs/nope/stop',
      headers: { origin: other }
    })
    t.equal(response.json().code, 'JOB_NOT_FOUND')
    t.equal(response.headers['access-control-allow-origin'], '*')
  }
})

t.test('a foreign name for this machine is refused, whatever the origin', async t => {
  const { app } = await testAppWith(t, { corsOrigins: ['*'] })

  const response = await app.inject({ url: '/jobs', headers: { origin, host: 'evil.example' } })

  t.equal(response.json().code, 'CROSS_SITE')
})

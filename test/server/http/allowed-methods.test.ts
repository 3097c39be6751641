import t from 'tap'
import { testApp, testAppWith } from '../../helpers/app.ts'

t.test('a method that nothing here takes is not allowed, whatever its body is', async t => {
  const { app } = await testApp(t)

  const response = await app.inject({ method: 'QUERY', url: '/jobs' })

  t.equal(response.statusCode, 405)
  t.match(response.headers, { allow: 'GET, HEAD, POST, OPTIONS' })
})

const addresses: [url: string, allow: string][] = [
  ['/jobs', 'GET, HEAD, POST, OPTIONS'],
  ['/jobs/job-a/logs?follow=true', 'GET, HEAD, OPTIONS'],
  ['/jobs/job-a', 'GET, HEAD, DELETE, OPTIONS'],
  ['/jobs/job-a/stop', 'POST, OPTIONS'],
  ['/jobs/batch', 'POST, OPTIONS'],
  ['/jobs/summary', 'GET, HEAD, OPTIONS'],
  ['/docs/static/index.css', 'GET, HEAD, OPTIONS'],
  ['/', 'GET, HEAD, OPTIONS']
]
for (const [url, allow] of addresses) {
  t.test(`OPTIONS ${url} is answered with what is possible there`, async t => {
    const { app } = await testApp(t)

    const response = await app.inject({ method: 'OPTIONS', url })

    t.equal(response.statusCode, 204)
    t.equal(response.body, '')
    t.match(response.headers, { allow })
  })

  t.test(`PATCH ${url} is not allowed, and Allow says what is`, async t => {
    const { app } = await testApp(t)

    const response = await app.inject({ method: 'PATCH', url })

    t.equal(response.statusCode, 405)
    t.match(response.json(), { code: 'METHOD_NOT_ALLOWED' })
    t.match(response.headers, { allow })
  })
}

t.test('HEAD of what can only be sent to is not allowed', async t => {
  const { app } = await testApp(t)

  const response = await app.inject({ method: 'HEAD', url: '/jobs/job-a/stop' })

  t.equal(response.statusCode, 405)
  t.equal(response.body, '')
})

t.test('OPTIONS of what is not there is a 404, with and without CORS', async t => {
  for (const corsOrigins of [[], ['https://ml.example']]) {
    const { app } = await testAppWith(t, { corsOrigins })

    const response = await app.inject({ method: 'PUT', url: '/nowhere' })

    t.equal(response.statusCode, 404)
  }
})

import t from 'tap'
import { testApp } from '../../helpers/app.ts'

const foreign: [title: string, headers: Record<string, string>][] = [
  ['a form of a page elsewhere', { origin: 'https://evil.example' }],
  ['a request that the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['a sandboxed page', { origin: 'null' }],
  ['a name that was bound to this machine from outside', { host: 'evil.example:8080' }]
]
for (const [title, headers] of foreign)
  t.test(`${title} may not submit`, async t => {
    const { app } = await testApp(t)

    const response = await app.inject({ method: 'POST', url: '/jobs', headers })

    t.equal(response.statusCode, 403)
    t.equal(response.json().code, 'CROSS_SITE')
  })

t.test('a page of the service itself and a program may', async t => {
  const { app } = await testApp(t)
  const own = { host: 'localhost:8080', origin: 'http://localhost:8080' }

  for (const headers of [own, { host: '127.0.0.1:8080' }, { host: '[::1]:8080' }]) {
    const response = await app.inject({ method: 'POST', url: '/jobs/nope/stop', headers })
    t.equal(response.statusCode, 404)
  }
})

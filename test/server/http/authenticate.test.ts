import t, { type Test } from 'tap'
import type { Callers, Scope } from '../../../src/server/callers/index.ts'
import { Unauthenticated } from '../../../src/server/errors.ts'
import { testApp, testAppWith } from '../../helpers/app.ts'

/** A token is its scopes, parted by dots. */
const callers: Callers = {
  async identify(token) {
    if (token === 'over') throw new Unauthenticated('The token is not accepted: it is over.')
    if (!token.startsWith('has.')) return undefined
    return { name: 'ci', tenant: 'risk', scopes: token.split('.').slice(1) as Scope[] }
  }
}

const appOf = (t: Test) => testAppWith(t, { callers })

t.test('who is not known is asked for a token, whatever is asked for', async t => {
  const { app } = await appOf(t)

  for (const [method, url] of [
    ['GET', '/jobs'],
    ['POST', '/jobs'],
    ['GET', '/jobs/nope'],
    ['HEAD', '/jobs'],
    ['DELETE', '/nothing/here'],
    ['GET', '/']
  ] as const) {
    const answer = await app.inject({ method, url })
    t.equal(answer.statusCode, 401, `${method} ${url}`)
    t.equal(answer.headers['www-authenticate'], 'Bearer realm="mlflow-jobs"')
    if (method !== 'HEAD')
      t.match(answer.json(), { code: 'UNAUTHENTICATED', detail: /Authorization: Bearer/ })
  }
})

t.test('health, readiness and documentation are open to all', async t => {
  const { app } = await appOf(t)
  for (const url of [
    '/healthz',
    '/readyz',
    '/openapi.json',
    '/openapi.yaml',
    '/docs/errors',
    '/docs/'
  ])
    t.equal((await app.inject(url)).statusCode, 200, url)
})

t.test('a token that is nobody’s is refused, and one that is over says so', async t => {
  const { app } = await appOf(t)
  const ask = (authorization: string) => app.inject({ url: '/jobs', headers: { authorization } })

  const unknown = await ask('Bearer unknown')
  t.equal(unknown.statusCode, 401)
  t.match(unknown.headers['www-authenticate'], /error="invalid_token"/)
  t.match((await ask('Bearer over')).json(), { detail: /it is over/ })
  for (const strange of ['Basic has.read', 'has.read', 'Bearer', 'Bearer has.read has.read', ''])
    t.equal((await ask(strange)).statusCode, 401, JSON.stringify(strange))
})

t.test('who may read may not submit, and who may submit may not read', async t => {
  const { app } = await appOf(t)
  const ask = (method: 'GET' | 'POST', token: string) =>
    app.inject({ method, url: '/jobs', headers: { authorization: `bearer ${token}` } })

  t.equal((await ask('GET', 'has.read')).statusCode, 200)
  t.notOk((await ask('GET', 'has.read')).headers['www-authenticate'])
  const refused = await ask('POST', 'has.read')
  t.equal(refused.statusCode, 403)
  t.match(refused.headers['www-authenticate'], 'error="insufficient_scope", scope="submit"')
  t.match(refused.json(), {
    code: 'FORBIDDEN',
    detail: 'This needs the scope "submit"; ci has read.'
  })
  t.equal((await ask('GET', 'has.submit')).statusCode, 403)
  t.equal((await ask('POST', 'has.submit')).statusCode, 415)
})

t.test('without callers nobody is asked', async t => {
  const { app } = await testApp(t)
  t.equal((await app.inject('/jobs')).statusCode, 200)
})

t.test('an address that begins as that of the documentation is no part of it', async t => {
  const { app } = await appOf(t)
  const urls = ['/docs-of-mine', '/docs/mine']
  for (const url of urls) app.get(url, async () => 'mine')
  for (const url of [...urls, '/docs/nothing-here', '/docsjobs'])
    t.equal((await app.inject(url)).statusCode, 401, url)
})

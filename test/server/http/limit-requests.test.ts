import t, { type Test } from 'tap'
import type { Callers } from '../../../src/server/callers/index.ts'
import { testAppWith } from '../../helpers/app.ts'

/** A token is its tenant's name; that of the stranger is nobody's. */
const callers: Callers = {
  identify: async tenant =>
    tenant === 'stranger' ? undefined : { name: 'ci', tenant, scopes: ['read', 'submit', 'admin'] }
}

interface Rates {
  ofTenant?: number
  ofStrangers?: number
  trustedProxies?: string
}

async function appOf(t: Test, { ofTenant = 2, ofStrangers = 2, trustedProxies }: Rates) {
  const { app } = await testAppWith(t, {
    callers,
    limitsOf: () => ({ requestsPerMinute: ofTenant }),
    unauthenticatedPerMinute: ofStrangers,
    trustedProxies
  })
  return (tenant: string, url = '/jobs', more: object = {}) =>
    app.inject({ url, headers: { authorization: `Bearer ${tenant}` }, ...more })
}

/** In seconds, or what is left of it. */
const isAMinute = (header: unknown) => Number(header) > 30 && Number(header) <= 60

t.test('a tenant may ask so often in a minute, and each answer says what is left', async t => {
  const ask = await appOf(t, { ofTenant: 2 })

  for (const left of ['1', '0']) {
    const { statusCode, headers } = await ask('a')
    t.equal(statusCode, 200)
    t.equal(headers['ratelimit-limit'], '2')
    t.equal(headers['ratelimit-remaining'], left)
    t.ok(isAMinute(headers['ratelimit-reset']), 'when all may be sent again')
  }
  const refused = await ask('a')
  t.equal(refused.statusCode, 429)
  t.match(refused.json(), {
    code: 'TOO_MANY_REQUESTS',
    detail: 'The tenant a has sent more than 2 requests in this minute, as many as one may.'
  })
  t.ok(isAMinute(refused.headers['retry-after']))
  t.equal(refused.headers['ratelimit-remaining'], '0')

  t.equal((await ask('b')).statusCode, 200, 'others are not held back')
  t.equal((await ask('a', '/nothing/here')).statusCode, 429, 'whatever is asked for')
  for (const _ of [1, 2, 3])
    t.equal((await ask('a', '/readyz')).statusCode, 200, 'but for what is open to all')
})

t.test('a tenant may be allowed more than others, or without end', async t => {
  const { app } = await testAppWith(t, {
    callers,
    limitsOf: tenant => ({ requestsPerMinute: { large: 3, endless: Infinity }[tenant] ?? 1 })
  })
  const ask = (tenant: string) =>
    app.inject({ url: '/jobs', headers: { authorization: `Bearer ${tenant}` } })
  const answers = async (tenant: string) => {
    const codes: number[] = []
    for (let sent = 0; sent < 4; sent++) codes.push((await ask(tenant)).statusCode)
    return codes
  }

  t.same(await answers('large'), [200, 200, 200, 429])
  t.same(await answers('small'), [200, 429, 429, 429])
  t.same(await answers('endless'), [200, 200, 200, 200])
  t.match((await ask('large')).json(), { detail: /more than 3 requests/ })
  t.equal((await ask('endless')).headers['ratelimit-limit'], undefined)
})

t.test('what is too much is refused before its body is read', async t => {
  const { app } = await testAppWith(t, { callers, limitsOf: () => ({ requestsPerMinute: 1 }) })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const headers = { authorization: 'Bearer a' }
  await fetch(url, { headers })
  let pulled = 0
  const body = new ReadableStream({
    pull(controller) {
      pulled++
      controller.enqueue(Buffer.alloc(1024 * 1024))
    }
  })

  const refused = await fetch(`${url}/jobs`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
    duplex: 'half'
  })

  t.equal(refused.status, 429, 'though the body has no end')
  t.equal(refused.headers.get('connection'), 'close')
  t.ok(pulled < 100)
})

t.test('without a limit nothing is counted', async t => {
  const ask = await appOf(t, { ofTenant: Infinity })
  t.notMatch(Object.keys((await ask('a')).headers).join(), 'ratelimit')
})

t.test('who is not known is refused as such, and after some time not at all', async t => {
  const ask = await appOf(t, { ofStrangers: 2 })

  for (const _ of [1, 2]) t.equal((await ask('stranger')).statusCode, 401)
  const refused = await ask('stranger')
  t.equal(refused.statusCode, 429)
  t.match(refused.json(), {
    code: 'TOO_MANY_UNAUTHENTICATED',
    detail: 'More than 2 requests of nobody who is known came from this address in this minute.'
  })
  t.ok(isAMinute(refused.headers['retry-after']))
  t.equal((await ask('a')).statusCode, 200, 'one who is known is served from the same address')
})

t.test(
  'who is not known is counted by address; of proxies that are trusted, by theirs',
  async t => {
    const from = (address: string) => ({
      headers: { authorization: 'Bearer stranger', 'x-forwarded-for': address }
    })
    const trusting = await appOf(t, { ofStrangers: 1, trustedProxies: '10.0.0.0/8,loopback' })
    t.equal((await trusting('', '/jobs', from('192.0.2.1'))).statusCode, 401)
    t.equal((await trusting('', '/jobs', from('192.0.2.1'))).statusCode, 429)
    t.equal((await trusting('', '/jobs', from('192.0.2.2'))).statusCode, 401)
    t.equal((await trusting('', '/jobs', from('192.0.2.2, 10.1.2.3'))).statusCode, 429)

    const wary = await appOf(t, { ofStrangers: 1 })
    t.equal((await wary('', '/jobs', from('192.0.2.1'))).statusCode, 401)
    t.equal((await wary('', '/jobs', from('192.0.2.2'))).statusCode, 429, 'anybody could say so')
  }
)

import { SignJWT, UnsecuredJWT } from 'jose'
import t from 'tap'
import { createOidc } from '../../../src/server/callers/oidc.ts'
import { startIssuer } from '../../helpers/issuer.ts'

const audience = 'mlflow-jobs'
const tenantClaim = 'tenant'

t.test('a caller is known by a token that the issuer has signed', async t => {
  const issuer = await startIssuer(t)
  const callers = createOidc({ issuer: issuer.url, audience, tenantClaim })

  t.strictSame(await callers.identify(await issuer.token()), {
    name: 'pipeline',
    tenant: 'risk',
    scopes: ['read', 'submit', 'admin']
  })
  t.strictSame(
    (await callers.identify(await issuer.token({ scope: 'read mlflow-jobs:read' })))?.scopes,
    ['read']
  )
  t.equal(await callers.identify('no-token'), undefined)
})

t.test(
  'tokens that are not for this service, or not good any more, are refused with the reason',
  async t => {
    const issuer = await startIssuer(t)
    const other = await startIssuer(t)
    const callers = createOidc({ issuer: issuer.url, audience, tenantClaim })
    const good = await issuer.token()
    const [header, , signature] = good.split('.')
    const forged = Buffer.from(
      JSON.stringify({ iss: issuer.url, aud: audience, tenant: 'other', exp: 4e9 })
    ).toString('base64url')
    const shared = await new SignJWT({ tenant: 'risk' })
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
      .setIssuer(issuer.url)
      .setAudience(audience)
      .setExpirationTime('1m')
      .sign(Buffer.from('a secret of thirty-two bytes, ok'))
    const unsigned = new UnsecuredJWT({ tenant: 'risk' })
      .setIssuer(issuer.url)
      .setAudience(audience)
      .setExpirationTime('1m')
      .encode()

    for (const [what, token] of Object.entries({
      'of another audience': await issuer.token({}, { audience: 'another' }),
      'of another issuer': await issuer.token({}, { issuer: 'https://example.com' }),
      'that has ended': await issuer.token({}, { expires: '-1m' }),
      'that another has signed': await other.token({}, { issuer: issuer.url }),
      'that was changed': `${header}.${forged}.${signature}`,
      'with a shared secret': shared,
      'that nobody has signed': unsigned,
      'without a tenant': await issuer.token({ tenant: undefined }),
      'whose tenant is a path': await issuer.token({ tenant: '../risk' })
    }))
      await t.rejects(callers.identify(token), { code: 'UNAUTHENTICATED' }, `a token ${what}`)
  }
)

t.test('an issuer that cannot be asked is said to be away, and asked again', async t => {
  const issuer = await startIssuer(t)
  const token = await issuer.token()
  const callers = createOidc({ issuer: issuer.url, audience, tenantClaim })
  await issuer.close()

  await t.rejects(callers.identify(token), { code: 'ISSUER_UNAVAILABLE', message: issuer.url })
  await t.rejects(callers.identify(token), { code: 'ISSUER_UNAVAILABLE' })
})

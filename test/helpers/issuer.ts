/** An OpenID Connect issuer on this machine: its documents, and tokens that it signs. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Test } from 'tap'

export interface Issuer {
  url: string
  /** A token with these claims; without changes it is good for a minute, of tenant risk, with every scope. */
  token(
    claims?: JWTPayload,
    options?: { issuer?: string; audience?: string; expires?: string }
  ): Promise<string>
  /** Signs with a new key from now on, and publishes it alone. */
  rotate(): Promise<void>
  close(): Promise<void>
}

export async function startIssuer(t: Test): Promise<Issuer> {
  let serial = 0
  let keys = await newKeys()

  async function newKeys() {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const kid = `key-${++serial}`
    return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } }
  }

  const server = createServer((request, response) => {
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys: [keys.jwk] }
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(documents[request.url ?? '']))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  t.teardown(close)

  return {
    url,
    close,
    async rotate() {
      keys = await newKeys()
    },
    token: (claims = {}, { issuer = url, audience = 'mlflow-jobs', expires = '1m' } = {}) =>
      new SignJWT({
        sub: 'pipeline',
        tenant: 'risk',
        scope: 'openid mlflow-jobs:read mlflow-jobs:submit mlflow-jobs:admin',
        ...claims
      })
        .setProtectedHeader({ alg: 'ES256', kid: keys.kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(expires)
        .sign(keys.privateKey)
  }
}

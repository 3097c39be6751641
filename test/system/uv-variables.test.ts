import t from 'tap'
import { uvVariables } from '../../src/system/uv-variables.ts'

t.test("gives uv what pip's variables say, under its own names", async t => {
  const pip = {
    PIP_INDEX_URL: 'https://packages.example/simple',
    PIP_EXTRA_INDEX_URL: 'https://more.example/simple',
    PIP_FIND_LINKS: '/wheels',
    PIP_CERT: '/certificates.pem'
  }
  t.strictSame(uvVariables(pip), {
    ...pip,
    UV_DEFAULT_INDEX: 'https://packages.example/simple',
    UV_INDEX: 'https://more.example/simple',
    UV_FIND_LINKS: '/wheels',
    SSL_CERT_FILE: '/certificates.pem'
  })
})

t.test("keeps what uv's own variables say", async t => {
  const environment = {
    PIP_INDEX_URL: 'https://pip.example',
    UV_DEFAULT_INDEX: 'https://uv.example'
  }
  t.strictSame(uvVariables(environment), environment)
})

t.test('adds nothing for an empty variable', async t => {
  t.strictSame(uvVariables({ PIP_INDEX_URL: '' }), { PIP_INDEX_URL: '' })
})

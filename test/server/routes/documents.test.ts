import t from 'tap'
import { testApp } from '../../helpers/app.ts'

const documents = {
  '/openapi.json': 'application/json; charset=utf-8',
  '/openapi.yaml': 'application/yaml; charset=utf-8',
  '/docs/errors': 'text/html; charset=utf-8'
}
for (const [url, type] of Object.entries(documents))
  t.test(`${url} is not sent to who has it already`, async t => {
    const { app } = await testApp(t)

    const first = await app.inject(url)
    const again = await app.inject({
      url,
      headers: { 'if-none-match': String(first.headers.etag) }
    })

    t.match(first.headers, { 'content-type': type, 'cache-control': 'no-cache' })
    t.equal(first.statusCode, 200)
    t.equal(again.statusCode, 304)
    t.equal(again.body, '')
    t.match(again.headers, { etag: first.headers.etag })
  })

t.test('the type of a problem leads to its code on the page', async t => {
  const { app } = await testApp(t)

  const { type } = (await app.inject('/jobs/nope')).json()
  const [page = '', anchor] = type.split('#')

  t.match((await app.inject(page)).body, `id="${anchor}"`)
})

t.test('the pages load nothing from elsewhere, and nobody frames them', async t => {
  const { app } = await testApp(t)

  for (const url of ['/docs', '/docs/', '/docs/static/swagger-ui-bundle.js', '/docs/errors']) {
    const policy = String((await app.inject(url)).headers['content-security-policy'])
    t.match(policy, /^default-src '(self|none)';/, url)
    t.notMatch(policy, /http|\*/, url)
  }
})

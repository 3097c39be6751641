/** The search of npm run canaries, which itself takes a minute. */
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createCanaries } from '../helpers/canaries/planted.ts'

t.test('a secret is found wherever it lies, in pieces and packed, too', async t => {
  const canaries = createCanaries()
  const secret = canaries.plant('a job')
  const kept = canaries.plant('plain')

  canaries.search('nowhere', secret.slice(1, -1))
  canaries.search('as documented', kept, /^plain/)
  t.same(canaries.found(), [])

  canaries.search('an answer', `{"a":"${secret}"}`)
  canaries.search('its beginning', secret.slice(0, 8))
  canaries.search('its end', secret.slice(-8))
  canaries.search('an archive', gzipSync(`${secret} ${kept}`))
  t.same(canaries.found(), [
    'an answer has the secret of: a job',
    'its beginning has the secret of: a job',
    'its end has the secret of: a job',
    'an archive has the secret of: a job',
    'an archive has the secret of: plain'
  ])
  t.match(canaries.searched(), { places: 6 })
})

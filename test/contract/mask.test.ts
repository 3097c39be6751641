import t from 'tap'
import { jsonProblem } from '../../src/contract/json-problem.ts'
import { createMask } from '../../src/contract/mask.ts'
import { credentialsIn } from '../../src/contract/secrets.ts'

t.test('a secret is masked wherever it stands, also as JSON and in a URI', async t => {
  const { text } = createMask(['pass"word/1'])
  t.equal(text('it is pass"word/1.'), 'it is ***.')
  t.equal(text(JSON.stringify({ it: 'pass"word/1' })), '{"it":"***"}')
  t.equal(text(`https://me:${encodeURIComponent('pass"word/1')}@host`), 'https://me:***@host')
})

t.test('of two secrets the longer one goes first', async t => {
  t.equal(createMask(['secret', 'secret-and-more']).text('secret-and-more secret'), '*** ***')
})

t.test('each line of a secret is one', async t => {
  const { text } = createMask(['-----BEGIN-----\nabcdefgh\n-----END-----\n'])
  t.equal(text('it has abcdefgh in it'), 'it has *** in it')
})

t.test('what is short stays: it is everywhere', async t => {
  t.equal(createMask(['true', '12345']).text('true 12345'), 'true 12345')
})

t.test('texts in a value are masked at any depth, names of members stay', async t => {
  const { deep } = createMask(['secret'])
  const value = { secret: ['a secret', { more: null, n: 1, s: 'secrets' }] }
  t.same(deep(value), { secret: ['a ***', { more: null, n: 1, s: '***s' }] })
})

t.test('passwords in URIs are found, as they are written and as they are meant', async t => {
  t.same(credentialsIn('a http://me:p%40ss@host/x and git://token@host'), [
    'p%40ss',
    'p@ss',
    'token',
    'token'
  ])
})

t.test('what is wrong with JSON is told without a piece of it', async t => {
  const wrong = [
    '{"A": secretsecret}',
    'secretsecret',
    '["secretsecret" x]',
    '{"A":"secretsecret',
    '"secret\\x"'
  ]
  for (const text of wrong) {
    let said = ''
    try {
      JSON.parse(text)
    } catch (error) {
      said = jsonProblem(error)
    }
    t.match(said, /^(Unexpected token '.'$|Expected|Unterminated|Bad)/)
    t.notMatch(said, 'secret')
  }
})

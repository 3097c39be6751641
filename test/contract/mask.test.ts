import t from 'tap'
import { jsonProblem } from '../../src/contract/json-problem.ts'
import { createMask } from '../../src/contract/mask.ts'
import { credentialsIn, hideCredentials } from '../../src/contract/secrets.ts'

t.test('a secret is masked wherever it stands, also as JSON and in a URI', async t => {
  const { text } = createMask(['pass"word/1'])
  t.equal(text('it is pass"word/1.'), 'it is ***.')
  t.equal(text(JSON.stringify({ it: 'pass"word/1' })), '{"it":"***"}')
  t.equal(text(`https://me:${encodeURIComponent('pass"word/1')}@host`), 'https://me:***@host')
})

t.test('a secret is masked as Python writes it', async t => {
  const { text } = createMask(['ab/cd+e"fé😀 g(h)'])
  for (const form of [
    // json.dumps, json.dumps(ensure_ascii=False), PHP's json_encode
    String.raw`ab/cd+e\"f\u00e9\ud83d\ude00 g(h)`,
    String.raw`ab/cd+e\"fé😀 g(h)`,
    String.raw`ab\/cd+e\"fé😀 g(h)`,
    // urllib.parse: quote, quote(safe=''), quote_plus(safe='/'), quote_plus
    'ab/cd%2Be%22f%C3%A9%F0%9F%98%80%20g%28h%29',
    'ab%2Fcd%2Be%22f%C3%A9%F0%9F%98%80%20g%28h%29',
    'ab/cd%2Be%22f%C3%A9%F0%9F%98%80+g%28h%29',
    'ab%2Fcd%2Be%22f%C3%A9%F0%9F%98%80+g%28h%29'
  ])
    t.equal(text(`it is ${form}.`), 'it is ***.')
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
    'token'
  ])
})

t.test('a password with an @ that is not encoded ends at the last one', async t => {
  t.equal(hideCredentials('https://u:p@ss@host/x?to=a@b'), 'https://***@host/x?to=a@b')
  t.equal(hideCredentials('https://u:p?ss@host/x'), 'https://***@host/x')
  t.equal(hideCredentials('http://a:b@c,http://d:e@f@g'), 'http://***@c,http://***@g')
  t.same(credentialsIn('https://u:p@ss@host'), ['p@ss', 'p'])
  t.same(credentialsIn('{"url":"https://u:pass@host","to":"me@host"}'), [
    'pass@host","to":"me',
    'pass'
  ])
})

t.test('names are masked where they are asked for', async t => {
  const { names } = createMask(['secret'])
  t.same(names({ 'a secret': 1, loss: 2 }), { 'a ***': 1, loss: 2 })
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

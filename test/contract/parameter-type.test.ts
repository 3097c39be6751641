import { execa } from 'execa'
import fc from 'fast-check'
import t from 'tap'
import { isUri, misfit, parameterType } from '../../src/contract/parameter-type.ts'
import { python } from '../helpers/python.ts'

const script = `
import json, sys
from urllib.parse import urlparse

def takes(convert, text):
    try:
        return bool(convert(text)) or True
    except Exception:
        return False

def is_uri(text):
    try:
        return len(urlparse(text).scheme) > 0
    except ValueError:
        return None

json.dump([[takes(float, t), takes(int, t), is_uri(t)] for t in json.load(sys.stdin)], sys.stdout)
`

t.test("numbers and URIs are told as by Python's float(), int() and urlparse", async t => {
  const piece = fc.constantFrom(
    '1',
    '0',
    '_',
    '.',
    'e',
    'E',
    '-',
    '+',
    ' ',
    '\n',
    'inf',
    'nan',
    'INFINITY',
    'x',
    ':',
    '/',
    's3',
    '%',
    '\t',
    '\u0085',
    '\x1f',
    'é'
  )
  const texts = [
    ...fc.sample(
      fc.array(piece, { maxLength: 6 }).map(pieces => pieces.join('')),
      1500
    ),
    '1_000',
    ' 1 ',
    '1e5',
    '1e400',
    '-.5',
    '5.',
    '1__0',
    '_1',
    '1_',
    '0x10',
    '٣',
    's3://b/k',
    'runs:/a/b',
    '1a:b',
    ':x',
    'a b:c',
    'C:\\x',
    'models:m'
  ]
  const { stdout } = await execa(python(), ['-c', script], {
    input: JSON.stringify(texts),
    env: { PYTHONUTF8: '1' }
  })
  const answers: [boolean, boolean, boolean | null][] = JSON.parse(stdout)
  texts.forEach((text, index) => {
    const [isFloat, isInteger, uri] = answers[index] ?? []
    const ours = [misfit('float', text) === undefined, misfit('int', text) === undefined]
    // Digits of other scripts and blanks of teleprinters: Python takes them, nobody means them.
    const isOdd = ['٣', '\u0085', '\u001f'].some(character => text.includes(character))
    if (isOdd) t.same(ours, [false, false])
    else if (ours[0] !== isFloat || ours[1] !== isInteger)
      t.fail(`${JSON.stringify(text)}: ${ours}`)
    if (uri !== null && isUri(text) !== uri) t.fail(`${JSON.stringify(text)} as a URI: ${!uri}`)
  })
  t.equal(answers.length, texts.length)
})

t.test('words that MLflow does not know are taken as what they mean', t => {
  for (const [word, type] of [
    ['str', 'string'],
    ['integer', 'int'],
    ['number', 'float'],
    ['Bool', 'boolean'],
    ['boolean', 'boolean'],
    ['list', 'string'],
    ['double', 'float']
  ] as const) {
    t.same(parameterType(word), { type, documented: false }, word)
  }
  for (const word of ['string', 'float', 'int', 'path', 'uri'])
    t.same(parameterType(word), { type: word, documented: true })
  t.end()
})

t.test('truth values may be written in any common way', t => {
  for (const text of ['true', 'False', '1', '0', 'yes', 'OFF'])
    t.equal(misfit('boolean', text), undefined, text)
  t.equal(misfit('boolean', 'maybe'), 'true or false')
  t.end()
})

t.test('long texts are told in time', t => {
  for (const text of ['1', '1_', '1.', ' ', '1e', '.1']) {
    const { user } = process.cpuUsage()
    misfit('float', `${text.repeat(50_000)}x`)
    misfit('int', `${text.repeat(50_000)}x`)
    isUri(`${text.repeat(50_000)}:`)
    misfit('boolean', `${text.repeat(50_000)}x`)
    t.ok(process.cpuUsage().user - user < 1_000_000, text)
  }
  t.end()
})

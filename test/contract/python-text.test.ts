/** Texts of YAML values, against PyYAML and Python themselves. */
import { join } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import t from 'tap'
import { floatText, pythonText } from '../../src/contract/python-text.ts'
import { readYaml, type YamlValue } from '../../src/contract/yaml.ts'
import { python } from '../helpers/python.ts'

const ours = (text: string): string[] | null => {
  const { value } = readYaml(text)
  if (!(value instanceof Map)) return null
  const written = pythonText(value.get('x') ?? null)
  return written === undefined ? null : [written]
}

async function pyyaml(texts: string[]): Promise<(string[] | null)[]> {
  const script = join(import.meta.dirname, '../fixtures/mlprojects/read-scalars.py')
  const { stdout } = await execa(python(), [script], {
    input: JSON.stringify(texts),
    env: { PYTHONUTF8: '1' }
  })
  const answers: (string[] | null)[] = JSON.parse(stdout)
  return answers
}

// Made of what numbers, dates and words of YAML are made of.
const scalar = fc.oneof(
  fc.stringMatching(/^[-+]?[0-9_]{1,20}$/),
  fc.stringMatching(/^[-+]?[0-9_]{0,6}\.[0-9_]{0,6}(?:[eE][-+]?[0-9]{1,3})?$/),
  fc.stringMatching(/^[-+]?0[xbo][0-9a-f_]{0,6}$/),
  fc.stringMatching(/^[-+]?[0-9]{1,2}(?::[0-9]{1,2}){1,3}(?:\.[0-9]{0,3})?$/),
  fc.stringMatching(
    /^20[0-9]{2}-[01]?[0-9]-[0-3]?[0-9](?:[ Tt][0-2]?[0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{0,8})?(?: ?(?:Z|[-+][0-2]?[0-9](?::[0-5][0-9])?))?)?$/
  ),
  fc.stringMatching(/^[-+]?\.(?:inf|nan|Inf|NaN|INF|NAN|iNF)$/),
  fc.constantFrom(
    'y',
    'Y',
    'n',
    'yes',
    'Yes',
    'yES',
    'on',
    'OFF',
    'true',
    'TRUE',
    'tRUE',
    'null',
    'Null',
    'nULL',
    '~',
    'None',
    'e5',
    '1e',
    '0x',
    '0b',
    '_1',
    '1_',
    '+',
    '.',
    '..'
  ),
  fc.double().map(String),
  fc.double().map(value => value.toExponential())
)

t.test('plain scalars have the values that PyYAML gives them', async t => {
  const texts = fc.sample(scalar, 1500).map(text => `x: ${text}\n`)
  const theirs = await pyyaml(texts)
  texts.forEach((text, index) => {
    if (JSON.stringify(ours(text)) !== JSON.stringify(theirs[index])) {
      t.fail(`${JSON.stringify(text)}: ${ours(text)} and not ${theirs[index]}`)
    }
  })
  t.equal(theirs.length, texts.length)
})

// Which characters are printable depends on Python's edition of Unicode: only such as all editions agree on.
const character = fc
  .oneof(
    fc.integer({ min: 1, max: 0x2ff }),
    fc.integer({ min: 0x2000, max: 0x206f }),
    fc.integer({ min: 0x3000, max: 0x30ff }),
    fc.integer({ min: 0xe000, max: 0xe010 }),
    fc.integer({ min: 0x1f600, max: 0x1f640 }),
    fc.constantFrom(0xfeff, 0xffff, 0xe0001, 0x10ffff)
  )
  .map(code => String.fromCodePoint(code))

t.test('lists and maps are written as Python writes them', async t => {
  const text = fc.oneof(
    fc.string({ unit: character }),
    fc.constantFrom("'", '"', '\'"', '\\', '\n\r\t\x07')
  )
  const item = fc.letrec<{ item: string }>(tie => ({
    item: fc.oneof(
      { maxDepth: 3 },
      text.filter(text => text.isWellFormed()).map(quoted),
      scalar.filter(text => !/^(?:\+|=|-)$/.test(text)),
      fc.array(tie('item'), { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), tie('item'), { maxKeys: 3 }).map(
        map =>
          `{${Object.entries(map)
            .map(([key, value]) => `"${key}": ${value}`)
            .join(', ')}}`
      )
    )
  })).item
  const texts = fc.sample(item, 400).map(text => `x: ${text}\n`)
  const theirs = await pyyaml(texts)
  texts.forEach((text, index) => {
    if (JSON.stringify(ours(text)) !== JSON.stringify(theirs[index])) {
      t.fail(`${JSON.stringify(text)}: ${ours(text)} and not ${theirs[index]}`)
    }
  })
  t.equal(theirs.length, texts.length)
})

t.test('floats are written as by repr()', t => {
  for (const [value, text] of [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [0.1, '0.1'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.5e300, '1.5e+300'],
    [5e-324, '5e-324'],
    [123456.789, '123456.789'],
    [Number.NaN, 'nan'],
    [Number.NEGATIVE_INFINITY, '-inf']
  ] as const) {
    t.equal(floatText(value), text)
  }
  t.end()
})

t.test('a text that aliases would make huge is not made', t => {
  let laughs = 'a0: &a0 [lol, lol]\n'
  for (let level = 1; level < 40; level++)
    laughs += `a${level}: &a${level} [*a${level - 1}, *a${level - 1}]\n`
  const { value } = readYaml(`${laughs}x: *a39\n`)
  t.ok(value instanceof Map)
  const last: YamlValue = value instanceof Map ? (value.get('x') ?? null) : null
  t.equal(pythonText(last), undefined)
  t.end()
})

// A YAML string in double quotes, with every odd character escaped.
function quoted(text: string): string {
  const escaped = (character: string) =>
    `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
  return `"${text.replace(/["\\]|[^\x20-\x7e]/gu, escaped)}"`
}

import fc from 'fast-check'
import t from 'tap'
import { readYaml, yamlLimit } from '../../src/contract/yaml.ts'

const faultOf = (text: string) => readYaml(text).fault ?? 'none'

t.test('faults say the line and the column', t => {
  t.match(faultOf('a: 1\nb: c: d\n'), /^line 2, column 4: /)
  t.match(faultOf('a: 1\nb: *x\n'), 'line 2, column 4: the alias *x names no anchor before it')
  t.match(
    faultOf('a: 1\nb: !!python/name:os.system x\n'),
    /^line 2, column \d+: the tag tag:yaml.org,2002:python\/name:os.system is not supported/
  )
  t.match(faultOf('a: 1\n---\nb: 2'), /multiple documents/)
  t.end()
})

t.test('the line of a key is known', t => {
  const { value, lineOf } = readYaml('a: 1\n\nb:\n  c: 2\n')
  t.ok(value instanceof Map)
  if (!(value instanceof Map)) return t.end()
  t.equal(lineOf(value, 'b'), 3)
  const inner = value.get('b')
  t.equal(inner instanceof Map && lineOf(inner, 'c'), 4)
  t.end()
})

t.test('merged keys give way to own ones, and the first of several wins', t => {
  const { value } = readYaml('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\n')
  t.ok(value instanceof Map)
  const merged = value instanceof Map ? value.get('c') : undefined
  t.same(merged instanceof Map ? Object.fromEntries(merged) : merged, { x: 1n, y: 1n, z: 3n })
  t.match(faultOf('a: {<<: 5}'), /merges only maps/)
  t.end()
})

t.test('keys of other kinds are kept or refused, and reach no prototype', t => {
  const { value } = readYaml('__proto__: {polluted: 1}\n1: a\ntrue: b\n~: c\n')
  t.same(value instanceof Map ? [...value.keys()] : value, ['__proto__', 1n, true, null])
  t.notOk('polluted' in {})
  t.match(faultOf('? [a]\n: b'), /a key can only be a scalar/)
  t.end()
})

t.test('an alias that holds itself is a fault', t => {
  t.match(faultOf('a: &a [*a]'), /the alias \*a holds itself/)
  t.match(faultOf('a: &a {<<: *a}'), /the alias \*a holds itself/)
  t.end()
})

t.test('merges cannot multiply', t => {
  const keys = Array.from({ length: 1000 }, (_, index) => `k${index}: 1`).join(', ')
  const text = `a: &a {${keys}}\nb: {<<: [${'*a, '.repeat(500)}*a]}\n`
  t.match(faultOf(text), /merges more than 10000 keys/)
  t.end()
})

t.test('characters that PyYAML refuses are faults', t => {
  t.match(faultOf('a: x\0y'), /U\+0000 may not stand in YAML/)
  t.match(faultOf('a: \x1b[0m'), /U\+001B/)
  t.match(faultOf('a: \ud800'), /U\+D800/)
  t.equal(faultOf('a: 😀 é \u0085'), 'none')
  t.end()
})

t.test('depth and size have bounds', t => {
  t.match(faultOf(`a: ${'['.repeat(100)}${']'.repeat(100)}`), /deeper than 64 levels/)
  t.match(faultOf(`a: ${'['.repeat(10_000)}${']'.repeat(10_000)}`), /deep/)
  t.match(faultOf(`a: ${'x'.repeat(yamlLimit)}`), 'it is longer than 128 KiB')
  t.match(faultOf(`a: ${'9'.repeat(5000)}`), /more than 4300 digits/)
  t.end()
})

t.test('hostile files are read in time', t => {
  const hostile = ['[', '- ', 'a: 1\n', '*a ', '"', 'a: {', '<<: {a: 1}\n']
  for (const text of hostile) {
    const { user } = process.cpuUsage()
    readYaml(text.repeat(yamlLimit / 4 / text.length))
    t.ok(
      process.cpuUsage().user - user < 5_000_000,
      `${JSON.stringify(text)}: seconds of the processor, where tenths do`
    )
  }
  t.end()
})

t.test('any text is read or refused, and never throws', t => {
  const piece = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '? ',
    '&x ',
    '*x',
    '<<',
    '!',
    '!!int ',
    '|',
    '>',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    '#',
    '~',
    '1.',
    '0x',
    '%',
    '---\n',
    '\t',
    '\0',
    '2024-01-01'
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      const { value, fault } = readYaml(pieces.join(''))
      return (value === undefined) !== (fault === undefined)
    }),
    { numRuns: 2000 }
  )
  t.end()
})

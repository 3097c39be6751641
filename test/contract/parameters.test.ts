import fc from 'fast-check'
import t from 'tap'
import {
  parameterLimitBytes,
  parseParameters,
  rawParameters,
  tokenText
} from '../../src/contract/parameters.ts'

const onlyFault = (json: string) => {
  const { faults } = parseParameters(json)
  return faults.length === 1 ? faults[0] : faults
}

t.test('numbers and booleans stay as they are written', t => {
  const written = '{"a":1.0,"b":1e-5,"c":12345678901234567890,"d":-0,"e":1E400,"f":true,"g":1.10}'
  const { tokens, faults } = parseParameters(written)
  t.same(faults, [])
  t.equal(JSON.stringify(rawParameters(tokens)), written)
  t.same(Object.values(tokens).map(tokenText), [
    '1.0',
    '1e-5',
    '12345678901234567890',
    '-0',
    '1E400',
    'true',
    '1.10'
  ])
  t.end()
})

t.test('every string arrives byte for byte', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      const clean = text.replaceAll('\0', '')
      const { tokens } = parseParameters(JSON.stringify({ x: clean }))
      return tokenText(tokens.x ?? '') === clean
    })
  )
  t.end()
})

t.test('every number that JSON can write arrives as it was written', t => {
  const number = fc.stringMatching(/^-?(?:0|[1-9]\d{0,25})(?:\.\d{1,20})?(?:[eE][-+]?\d{1,3})?$/)
  fc.assert(
    fc.property(number, written => {
      const { tokens } = parseParameters(`{ "x" : ${written} , "y":1}`)
      return tokens.x !== undefined && tokenText(tokens.x) === written
    })
  )
  t.end()
})

t.test('a name that is given twice is a fault', t => {
  t.same(onlyFault('{"alpha": 1, "beta": "\\"alpha\\":", "alpha": 2}'), {
    pointer: '/parameters/alpha',
    detail: 'parameter "alpha" is given twice: give it once.'
  })
  t.end()
})

t.test('a string that looks like a number stays a string', t => {
  const { tokens } = parseParameters('{"a":"1.0","b":"\\u0041\\n$(id)"}')
  t.same({ ...tokens }, { a: '"1.0"', b: '"A\\n$(id)"' })
  t.end()
})

t.test('line ends that only JSON tolerates are escaped', t => {
  const { tokens } = parseParameters('{"a":"\u0085\u2028\u2029"}')
  t.equal(tokens.a, '"\\u0085\\u2028\\u2029"')
  t.end()
})

t.test('__proto__ is a name like any other', t => {
  const { tokens } = parseParameters('{"__proto__":5,"constructor":"x"}')
  t.same(Object.entries(tokens), [
    ['__proto__', '5'],
    ['constructor', '"x"']
  ])
  t.equal(JSON.stringify(rawParameters(tokens)), '{"__proto__":5,"constructor":"x"}')
  t.notOk('5' in {})
  t.end()
})

t.test('null, arrays and objects are faults, all at once, and the rest is read', t => {
  const { tokens, faults } = parseParameters('{"n":null,"l":[1],"o":{"a":1},"x":1.0}')
  t.same(
    faults.map(fault => fault.pointer),
    ['/parameters/n', '/parameters/l', '/parameters/o']
  )
  t.equal(
    faults[1]?.detail,
    'parameter "l" is an array: a parameter is a string, a number or a boolean; send the text that the program parses.'
  )
  t.same({ ...tokens }, { x: '1.0' })
  t.end()
})

t.test('what no program can be given is a fault', t => {
  t.match(onlyFault('{"x":"a\\u0000b"}'), { pointer: '/parameters/x', detail: /NUL/ })
  t.match(onlyFault('{"x":"\\ud800"}'), { pointer: '/parameters/x', detail: /lone surrogate/ })
  t.match(onlyFault(`{"x":"${'é'.repeat(parameterLimitBytes / 2 + 1)}"}`), {
    detail: /is 102402 bytes long; at most 102400/
  })
  t.same(onlyFault(`{"x":"${'é'.repeat(parameterLimitBytes / 2)}"}`), [])
  t.end()
})

t.test('names that would reach a shell are faults', t => {
  for (const name of ['a b', '-x', '1a', 'x; id', 'é', '', 'a\nb']) {
    t.match(onlyFault(JSON.stringify({ [name]: 1 })), { detail: /cannot be a parameter/ }, name)
  }
  for (const name of ['batch-size', 'main.steps', '_x', 'A1']) {
    t.same(onlyFault(JSON.stringify({ [name]: 1 })), [], name)
  }
  t.match(onlyFault('{"sagemaker_program":1}'), { detail: /settings of the platform/ })
  t.match(onlyFault(JSON.stringify({ ['x'.repeat(251)]: 1 })), {
    detail: /251 characters; MLflow takes at most 250/
  })
  t.end()
})

t.test('pointers are escaped as RFC 6901 wants', t => {
  t.match(onlyFault('{"a/b~c":1}'), { pointer: '/parameters/a~1b~0c' })
  t.end()
})

t.test('anything but an object is one fault', t => {
  for (const json of [
    '',
    '[]',
    '5',
    'null',
    '"x"',
    '{"a":01}',
    '{a:1}',
    '['.repeat(1e5),
    `${'['.repeat(1e5)}${']'.repeat(1e5)}`
  ]) {
    t.match(
      onlyFault(json),
      { pointer: '/parameters', detail: /a JSON object of scalars/ },
      json.slice(0, 10)
    )
  }
  t.end()
})

t.test('more than a thousand parameters are one fault', t => {
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`p${index}`, 1]))
  t.match(onlyFault(JSON.stringify(many)), { pointer: '/parameters', detail: /1001 parameters/ })
  t.end()
})

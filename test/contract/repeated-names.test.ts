import fc from 'fast-check'
import t from 'tap'
import { repeatedNames } from '../../src/contract/repeated-names.ts'

t.test('a name is the same, however it is written and wherever it stands', t => {
  t.same(repeatedNames('{"a":1,"b":{},"\\u0061" : [2],"b":"x","c":3}'), ['a', 'b'])
  t.same(repeatedNames('{"":1,"":2,"__proto__":1,"__proto__":2}'), ['', '__proto__'])
  t.end()
})

t.test('what is inside of a value is no name of the object', t => {
  for (const json of [
    '{"a":{"a":1,"b":1},"b":[{"a":1},{"a":1}]}',
    '{"a":"\\"a\\":","b":"a:\\\\","c":"{}[],"}',
    '[{"a":1},{"a":1}]',
    '"a"',
    '1'
  ])
    t.same(repeatedNames(json), [], json)
  t.end()
})

t.test('no object that has each name once has one twice, and with one added it has that', t => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), object => {
      const json = JSON.stringify(object)
      const [name] = Object.keys(object)
      if (repeatedNames(json).length > 0) return false
      if (name === undefined) return true
      const more = `${json.slice(0, -1)},${JSON.stringify(name)}:null}`
      return repeatedNames(more).join() === name
    })
  )
  t.end()
})

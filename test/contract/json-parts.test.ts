import fc from 'fast-check'
import t from 'tap'
import { jsonParts } from '../../src/contract/json-parts.ts'

t.test('members keep the way in which they were written', t => {
  t.same(jsonParts('{ "a" : 1.0, "\\u0062": {"x": [1e-5, "},"]} ,"a":"\\"" }'), [
    { name: 'a', text: '1.0' },
    { name: 'b', text: '{"x": [1e-5, "},"]}' },
    { name: 'a', text: '"\\""' }
  ])
  t.end()
})

t.test('so do the elements of an array', t => {
  t.same(
    jsonParts('[ {"a": 1.0} ,[2, 3],"x" ]').map(({ text }) => text),
    ['{"a": 1.0}', '[2, 3]', '"x"']
  )
  t.end()
})

t.test('what has no parts has none', t => {
  for (const json of ['{}', ' [ ] ', '1', '"a,b"', 'null']) t.same(jsonParts(json), [], json)
  t.end()
})

t.test('the parts together are the whole', t => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1), (value, spaces) => {
      const json = JSON.stringify(value, null, spaces)
      const parts = jsonParts(json).map(({ name, text }) => [name, JSON.parse(text)])
      const entries =
        typeof value === 'object' && value !== null
          ? Object.entries(value).map(([name, part]) => [Array.isArray(value) ? '' : name, part])
          : []
      return JSON.stringify(parts) === JSON.stringify(entries)
    })
  )
  t.end()
})

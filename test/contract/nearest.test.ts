import t from 'tap'
import { didYouMean, nearest } from '../../src/contract/nearest.ts'

t.test('slips of the finger are found', t => {
  const known = ['alpha', 'l1_ratio', 'batch-size', 'epochs']
  for (const [written, meant] of [
    ['aplha', 'alpha'],
    ['Alpha', 'alpha'],
    ['batch_size', 'batch-size'],
    ['epoch', 'epochs'],
    ['l1ratio', 'l1_ratio']
  ] as const) {
    t.equal(nearest(written, known), meant, written)
  }
  t.end()
})

t.test('what is far away is no hint', t => {
  t.equal(nearest('gamma', ['alpha', 'beta']), undefined)
  t.equal(nearest('x', []), undefined)
  t.equal(nearest('x'.repeat(10_000), ['x'.repeat(10_000)]), undefined)
  t.equal(didYouMean('gamma', ['alpha'], '.'), '.')
  t.equal(didYouMean('alpa', ['alpha'], '.'), '; did you mean "alpha"?')
  t.end()
})

import t from 'tap'
import { type Figure, judgedSpread, percentile, spreadText, verdict } from '../../bench/figure.ts'

const aFigure = (changes: Partial<Figure>): Figure => ({
  what: 'an upload',
  unit: 'MiB/s',
  ours: [50, 60, 70],
  against: { what: 'another server', values: [100, 100, 100] },
  ...changes
})

t.test('what has a reference is judged by the ratio of each round', async t => {
  t.same(judgedSpread(aFigure({})), { median: 0.6, least: 0.5, most: 0.7 })
  t.equal(spreadText(judgedSpread(aFigure({}))), '0.6 [0.5 - 0.7]')
})

t.test('a target is reached, missed, or missed by more than half', async t => {
  const of = (target: Figure['target']) => verdict(aFigure(target ? { target } : {}))
  t.equal(of({ atLeast: 0.6 }), 'reached')
  t.equal(of({ atLeast: 1 }), 'missed')
  t.equal(of({ atLeast: 1.3 }), 'gross')
  t.equal(of({ atMost: 0.6 }), 'reached')
  t.equal(of({ atMost: 0.5 }), 'missed')
  t.equal(of({ atMost: 0.2 }), 'gross')
  t.equal(of(undefined), 'none')
})

t.test('what has none is never missed by more than half: machines differ', async t => {
  const { against: _, ...alone } = aFigure({ target: { atMost: 1 } })
  t.equal(verdict(alone), 'missed')
})

t.test('a percentile is one of the values', async t => {
  t.equal(percentile([3, 1, 2, 4], 0.5), 2)
  t.equal(percentile([3, 1, 2, 4], 0.99), 4)
})

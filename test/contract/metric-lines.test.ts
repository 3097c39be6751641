import t from 'tap'
import {
  addNews,
  boundMetrics,
  type Metrics,
  metricLines
} from '../../src/contract/metric-lines.ts'
import { readMetricLine } from '../../src/contract/read-metric-line.ts'

const run = '0123456789abcdef0123456789abcdef'
const many = (count: number): Metrics =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`metric/${n} ü`, n / 3]))

t.test('metrics are one line, and come back as they were', async t => {
  const metrics: Metrics = { loss: 0.25, gap: 'NaN', up: 'Infinity', down: '-Infinity' }

  const lines = metricLines({ run, metrics })

  t.strictSame(lines, [
    `mlflow-jobs-metrics: {"run":"${run}","metrics":{"loss":0.25,"gap":"NaN","up":"Infinity","down":"-Infinity"}}`
  ])
  t.strictSame(lines.map(readMetricLine), [{ run, metrics }])
})

t.test('many metrics are several lines, none of them longer than log drivers take', async t => {
  const metrics = many(1000)

  const lines = metricLines({ run, metrics })

  t.ok(lines.length > 1)
  for (const line of lines) t.ok(Buffer.byteLength(line) < 16 * 1024)
  const read = lines.map(line => readMetricLine(line)?.metrics)
  t.strictSame(Object.assign({}, ...read), metrics)
})

t.test('no metrics are no line', async t => {
  t.strictSame(metricLines({ run, metrics: {} }), [])
})

for (const line of [
  '',
  'loss 0.25',
  ` mlflow-jobs-metrics: {"run":"${run}","metrics":{}}`,
  'mlflow-jobs-metrics: ',
  'mlflow-jobs-metrics: {"run":"a","metrics":{"loss":',
  'mlflow-jobs-metrics: {"run":"a","metrics":{"loss":"low"}}',
  'mlflow-jobs-metrics: {"run":"a","metrics":{"loss":null}}',
  'mlflow-jobs-metrics: {"run":"../a","metrics":{}}',
  'mlflow-jobs-metrics: {"metrics":{}}',
  'mlflow-jobs-metrics: null'
])
  t.test(`a program may print ${JSON.stringify(line)}`, async t => {
    t.equal(readMetricLine(line), undefined)
  })

t.test(
  'of a running job a thousand metrics are told, and no name that MLflow would not take',
  async t => {
    const bound = boundMetrics({ ...many(1200), ['a'.repeat(251)]: 1, ['a'.repeat(250)]: 2 })

    t.equal(Object.keys(bound).length, 1000)
    t.equal(bound['a'.repeat(250)], 2)
    t.notOk('a'.repeat(251) in bound)
    t.strictSame(bound, boundMetrics(Object.fromEntries(Object.entries(bound).reverse())))
  }
)

t.test('news are added to what is known of the same run', async t => {
  const known = addNews(undefined, { run, metrics: { loss: 1, gap: 'NaN' } })

  t.strictSame(addNews(known, { run, metrics: { loss: 0.5 } }), {
    run,
    metrics: { gap: 'NaN', loss: 0.5 }
  })
  t.strictSame(addNews(known, { run: 'another', metrics: { loss: 3 } }), {
    run: 'another',
    metrics: { loss: 3 }
  })
})

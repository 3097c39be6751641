import t from 'tap'
import { countCalls } from '../../../src/server/metrics/count-calls.ts'
import { createMetrics } from '../../../src/server/metrics/index.ts'

t.test('calls are counted by how they end, and their answers are as they were', async t => {
  const metrics = createMetrics()
  const parts = {
    name: 'sqlite',
    get: async (id: string) => `job ${id}`,
    save: async () => Promise.reject(new Error('The disk is full.')),
    uri: (key: string) => `file:///${key}`
  }

  const counted = countCalls(parts, 'store', metrics)

  t.equal(counted.name, 'sqlite')
  t.equal(counted.uri('a'), 'file:///a')
  t.equal(await counted.get('a'), 'job a')
  t.equal(await counted.get('b'), 'job b')
  await t.rejects(counted.save(), { message: 'The disk is full.' })
  t.same((await metrics.calls.get()).values, [
    { labels: { part: 'store', operation: 'get', outcome: 'ok' }, value: 2 },
    { labels: { part: 'store', operation: 'save', outcome: 'failed' }, value: 1 }
  ])
  t.match(
    await metrics.registry.metrics(),
    'mlflow_jobs_call_duration_seconds_count{part="store"} 3'
  )
})

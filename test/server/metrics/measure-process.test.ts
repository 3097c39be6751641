import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createMetrics, measureProcess } from '../../../src/server/metrics/index.ts'

t.test('tells how long the event loop was held up', async t => {
  const metrics = createMetrics()
  measureProcess(metrics)
  await sleep(50)
  const start = Date.now()
  while (Date.now() - start < 100);
  await sleep(50)

  const text = await metrics.registry.metrics()

  const [, seconds] = /^nodejs_eventloop_lag_p99_seconds (.+)$/m.exec(text) ?? []
  t.ok(Number(seconds) >= 0.09, `${seconds} seconds`)
})

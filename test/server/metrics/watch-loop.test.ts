import t from 'tap'
import { createMetrics } from '../../../src/server/metrics/index.ts'
import { watchLoop } from '../../../src/server/metrics/watch-loop.ts'
import { aJob } from '../../helpers/job-record.ts'

t.test('turns, changes of status and the wait in the queue are told', async t => {
  const metrics = createMetrics()
  const watch = watchLoop(metrics)
  const minuteAgo = new Date(Date.now() - 60_000).toISOString()

  watch.turned(0.2, 'failed')
  t.match(
    await metrics.registry.metrics(),
    /^mlflow_jobs_loop_last_good_turn_timestamp_seconds 0$/m
  )
  watch.turned(0.1, 'ok')
  watch.moved(aJob({ createdAt: minuteAgo }), 'starting', undefined)
  watch.moved(aJob(), 'failed', 'platform')
  watch.stumbled()

  const text = await metrics.registry.metrics()
  for (const line of [
    'mlflow_jobs_loop_turns_total{outcome="ok"} 1',
    'mlflow_jobs_loop_turns_total{outcome="failed"} 1',
    'mlflow_jobs_transitions_total{status="starting",failure="none"} 1',
    'mlflow_jobs_transitions_total{status="failed",failure="platform"} 1',
    'mlflow_jobs_queue_wait_seconds_bucket{le="10"} 0',
    'mlflow_jobs_queue_wait_seconds_count 1',
    'mlflow_jobs_loop_stumbles_total 1'
  ])
    t.match(text, line)
  t.notMatch(text, /^mlflow_jobs_loop_last_good_turn_timestamp_seconds 0$/m)
})

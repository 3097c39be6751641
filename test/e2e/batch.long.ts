/** A batch of 100 on both backends: really trained on this machine, and pretended on the emulated SageMaker. */
import t from 'tap'
import type { Batch } from '../../src/server/routes/submission-schemas.ts'
import { form, pack } from '../helpers/project.ts'
import { sagemakerService } from '../helpers/sagemaker-service.ts'
import { type TestService, testService } from '../helpers/service.ts'

const project = {
  MLproject: `entry_points:
  main:
    parameters: {alpha: float}
    command: python train.py {alpha}
`,
  'train.py': `import sys
import mlflow
with mlflow.start_run():
    mlflow.log_metric("doubled", 2 * float(sys.argv[1]))
`
}
/** CI trains fewer: each is a whole run of MLflow. */
const trained = Number(process.env.TEST_BATCH_SIZE ?? 100)

// With real training on two cores it takes minutes.
const longest = { timeout: 20 * 60_000 }
t.setTimeout(2 * longest.timeout)

async function runBatch({ url, ended }: TestService, size: number) {
  const alphas = Array.from({ length: size }, (_, n) => n / 8)
  const jobs = alphas.map(alpha => ({ parameters: { alpha } }))
  const response = await fetch(`${url}/jobs/batch`, {
    method: 'POST',
    body: form({ project: await pack(project), jobs, run: { envManager: 'local' } })
  })
  const batch: Batch = JSON.parse(await response.text())
  const ends = []
  for (const { id } of batch.items) ends.push(await ended(id))
  return { batch, ends, alphas }
}

t.test('a batch is trained on this machine, each job with its own parameter', longest, async t => {
  const { ends, alphas } = await runBatch(await testService(t), trained)
  t.same(new Set(ends.map(({ status }) => status)), new Set(['succeeded']))
  t.same(
    ends.map(({ metrics }) => metrics.doubled),
    alphas.map(alpha => 2 * alpha)
  )
})

t.test('a batch of 100 is 100 training jobs on SageMaker, five at a time', longest, async t => {
  const service = await sagemakerService(t, {
    knobs: { run: 'pretend', pretendMilliseconds: 50, quota: { 'ml.m5.xlarge': 5 } }
  })
  const { batch, ends } = await runBatch(service, 100)
  t.same(new Set(ends.map(({ status }) => status)), new Set(['succeeded']))
  t.same([...service.emulator.jobs.keys()].toSorted(), batch.items.map(({ id }) => id).toSorted())
  const summary = await (await fetch(`${service.url}/jobs/summary`)).json()
  t.match(summary, { succeeded: 100, queued: 0 })
})

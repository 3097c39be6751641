import t from 'tap'
import { chaos } from '../helpers/chaos.ts'
import { trackingUri } from '../helpers/mlflow.ts'
import { python } from '../helpers/python.ts'

t.test('nothing is lost, doubled or stuck when the service is killed while it works', async t => {
  const { known, acknowledged, ...faults } = await chaos({
    kills: 2,
    jobs: 2,
    seed: 1,
    python: python(),
    trackingUri: await trackingUri(),
    onProgress: text => t.comment(text)
  })

  t.ok(known >= acknowledged && acknowledged === 2)
  t.same(faults, { lost: [], doubled: [], stuck: [], broken: [] })
})

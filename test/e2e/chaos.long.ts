/** A short run of npm run chaos, of each part. */
import t from 'tap'
import { chaos } from '../helpers/chaos/index.ts'
import { parts } from '../helpers/chaos/points.ts'
import { trackingUri } from '../helpers/mlflow.ts'
import { noPostgres } from '../helpers/postgres.ts'
import { python } from '../helpers/python.ts'

for (const part of parts)
  t.test(
    `${part}: nothing is lost, doubled or stuck when the service is killed while it works`,
    { skip: part === 'postgres' && noPostgres },
    async t => {
      const { lost, doubled, stuck, broken, ...result } = await chaos({
        part,
        kills: 3,
        seed: 1,
        python: python(),
        trackingUri: await trackingUri(),
        onProgress: text => t.comment(text)
      })

      t.same({ lost, doubled, stuck, broken }, { lost: [], doubled: [], stuck: [], broken: [] })
      t.ok(result.acknowledged > 0)
      t.ok(result.at.size > 0)
    }
  )

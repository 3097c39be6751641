import t from 'tap'
import { createDisk } from '../../../src/server/disk.ts'
import { createMetrics } from '../../../src/server/metrics/index.ts'
import { watchService } from '../../../src/server/metrics/watch-service.ts'
import { createPlaces } from '../../../src/server/places.ts'
import { openSqlite } from '../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../src/server/store/sql.ts'
import { testFolder } from '../../helpers/folder.ts'
import { aJob } from '../../helpers/job-record.ts'

t.test('jobs, open requests and the disk are told as they are when somebody asks', async t => {
  const folder = testFolder(t)
  const store = await createStore(openSqlite(`${folder}/jobs.db`))
  t.teardown(() => store.close())
  const places = createPlaces({ uploads: 5, downloads: 5, waiters: 5, followers: 5 })
  const metrics = createMetrics()
  watchService(metrics, {
    store,
    storage: { name: 's3' },
    backend: { name: 'sagemaker', pending: () => null },
    places,
    disk: createDisk(folder, 7),
    queuedJobs: 9
  })
  const lines = async () => (await metrics.registry.metrics()).split('\n')
  t.ok((await lines()).includes('mlflow_jobs_oldest_queued_seconds 0'))

  const createdAt = new Date(Date.now() - 3_600_000).toISOString()
  await store.insert([
    aJob({ id: 'job-a', createdAt }),
    aJob({ id: 'job-b', createdAt: new Date().toISOString() }),
    aJob({ id: 'job-c', status: 'failed' })
  ])
  const giveBack = places.take('followers')

  const now = await lines()
  for (const line of [
    'mlflow_jobs_jobs{status="queued",backend="sagemaker"} 2',
    'mlflow_jobs_jobs{status="failed",backend="sagemaker"} 1',
    'mlflow_jobs_jobs{status="running",backend="sagemaker"} 0',
    'mlflow_jobs_queued_limit 9',
    'mlflow_jobs_open_requests{kind="followers"} 1',
    'mlflow_jobs_open_requests_limit{kind="followers"} 5',
    'mlflow_jobs_backend_ready 1',
    'mlflow_jobs_disk_reserve_bytes 7'
  ])
    t.ok(now.includes(line), line)
  const age = /^mlflow_jobs_oldest_queued_seconds (\S+)$/m.exec(now.join('\n'))?.[1]
  t.ok(Number(age) >= 3600, `${age}`)
  giveBack()
  t.ok((await lines()).includes('mlflow_jobs_open_requests{kind="followers"} 0'))
})

t.test('what cannot be told now is left out, and the rest is told', async t => {
  const away = async () => Promise.reject(new Error('The database is away.'))
  const metrics = createMetrics()
  watchService(metrics, {
    store: { name: 'sqlite', summary: away, oldest: away },
    storage: { name: 'filesystem' },
    backend: { name: 'local', pending: () => 'Preparing.' },
    places: createPlaces({ uploads: 5, downloads: 5, waiters: 5, followers: 5 }),
    disk: createDisk('/nowhere', 7),
    queuedJobs: 9
  })

  const text = await metrics.registry.metrics()

  t.notMatch(text, /^mlflow_jobs_(jobs|oldest_queued_seconds|disk_free_bytes)\b/m)
  t.match(text, /^mlflow_jobs_backend_ready 0$/m)
})

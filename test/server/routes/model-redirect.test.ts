import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import { modelKey, type Storage } from '../../../src/server/storage/index.ts'
import { createS3 } from '../../../src/server/storage/s3.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'
import { appWithModel } from '../../helpers/model.ts'
import { s3ClientFor } from '../../helpers/s3-client.ts'
import { startS3 } from '../../helpers/s3-server.ts'

const bucket = 'mlflow-jobs-redirect'
const server = await startS3()
t.teardown(() => server.stop())
await server.makeBucket(bucket)
const client = s3ClientFor(server.endpoint, server.environment)
const inS3 = () => createS3({ bucket, prefix: '', customEndpoint: true, client })

async function withModel(t: Test, makeStorage: (dataDir: string) => Storage) {
  const parts = await testApp(t, {}, makeStorage)
  await parts.store.insert(aJob({ id: 'job-a', status: 'succeeded' }))
  const file = join(parts.folder, 'model')
  await writeFile(file, 'abcdefghij')
  await parts.storage.put(modelKey('job-a'), file)
  return parts
}

t.test('redirect=true leads to S3, where anybody gets the archive', async t => {
  const { app } = await withModel(t, inS3)

  const response = await app.inject('/jobs/job-a/model?redirect=true')

  t.equal(response.statusCode, 307)
  t.equal(response.headers['cache-control'], 'no-store')
  t.equal(response.body, '')
  const location = new URL(String(response.headers.location))
  t.equal(location.searchParams.get('X-Amz-Expires'), '300')
  const download = await fetch(location, { headers: { range: 'bytes=2-4' } })
  t.equal(await download.text(), 'cde')
  t.match(download.headers.get('content-disposition'), 'attachment; filename="model.tar.gz"')
})

for (const query of ['', '?redirect=false'])
  t.test(`with "${query}" the archive comes through the service, out of S3 too`, async t => {
    const { app } = await withModel(t, inS3)

    const response = await app.inject({
      url: `/jobs/job-a/model${query}`,
      headers: { range: 'bytes=8-' }
    })

    t.equal(response.statusCode, 206)
    t.equal(response.body, 'ij')
  })

t.test('where there is no URL to lead to, the archive itself is answered', async t => {
  const { app } = await withModel(t, createFilesystem)

  const response = await app.inject('/jobs/job-a/model?redirect=true')

  t.equal(response.statusCode, 200)
  t.equal(response.body, 'abcdefghij')
})

t.test('nothing leads to a zip, which is made here', async t => {
  const { app } = await appWithModel(t, { files: { MLmodel: 'x' } }, inS3)

  const response = await app.inject('/jobs/job-a/model?redirect=true&format=zip')

  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-type'], 'application/zip')
})

t.test('a redirect leads to no model that is not there', async t => {
  const { app, store } = await testApp(t, {}, inS3)
  await store.insert(aJob({ id: 'job-b', status: 'failed' }))

  const response = await app.inject('/jobs/job-b/model?redirect=true')

  t.match(response.json(), { status: 404, code: 'MODEL_NOT_FOUND' })
})

t.test('what is neither true nor false is refused', async t => {
  const { app } = await testApp(t)
  t.equal((await app.inject('/jobs/job-a/model?redirect=maybe')).statusCode, 400)
})

/** What callers hear while the storage cannot be reached. */
import t from 'tap'
import { createS3 } from '../../../src/server/storage/s3.ts'
import { testApp } from '../../helpers/app.ts'
import { freePort } from '../../helpers/free-port.ts'
import { aJob } from '../../helpers/job-record.ts'
import { s3ClientFor } from '../../helpers/s3-client.ts'

const nobody = `http://127.0.0.1:${await freePort()}`
const outOfReach = () =>
  createS3({ bucket: 'a-bucket', prefix: '', customEndpoint: true, client: s3ClientFor(nobody) })

for (const what of ['model', 'model/files', 'metrics', 'logs', 'logs?follow=true&tail=5'])
  t.test(`/jobs/{id}/${what} is a 503 with the reason, before any byte of the answer`, async t => {
    const { app, store } = await testApp(t, {}, outOfReach)
    await store.insert(aJob({ id: 'job-a', status: 'succeeded' }))

    const response = await app.inject(`/jobs/job-a/${what}`)

    t.equal(response.statusCode, 503)
    t.match(response.headers, { 'retry-after': '5', 'content-type': /^application\/problem\+json/ })
    t.match(response.json(), {
      code: 'STORAGE_UNAVAILABLE',
      detail: /the S3 endpoint cannot be reached \(ECONNREFUSED/
    })
  })

t.test('the service is not ready, and says why', async t => {
  const { app } = await testApp(t, {}, outOfReach)
  const response = await app.inject('/readyz')
  t.equal(response.statusCode, 503)
  t.match(response.json(), { ready: false, storage: { ok: false, detail: /cannot be reached/ } })
})

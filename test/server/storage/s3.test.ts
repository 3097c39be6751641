import { randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { createS3, type S3Options } from '../../../src/server/storage/s3.ts'
import { startS3 } from '../../helpers/s3-server.ts'
import { storageSuite } from '../../helpers/storage-suite.ts'

const bucket = 'mlflow-jobs-test'
const key = 'jobs/job-1/output/model.tar.gz'
const server = await startS3()
t.teardown(() => server.stop())
await server.makeBucket(bucket)

const client: S3ClientConfig = {
  endpoint: server.endpoint,
  region: server.environment.AWS_REGION ?? '',
  credentials: {
    accessKeyId: server.environment.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: server.environment.AWS_SECRET_ACCESS_KEY ?? ''
  }
}

/** Empty, for each has a folder of its own. */
const makeS3 = (changes: Partial<S3Options> = {}) =>
  createS3({ bucket, prefix: `${randomUUID()}/`, customEndpoint: true, client, ...changes })

storageSuite(t, async t => {
  t.testdir()
  return makeS3()
})

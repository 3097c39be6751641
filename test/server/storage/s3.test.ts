import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createS3, type S3Options } from '../../../src/server/storage/s3.ts'
import { testFolder } from '../../helpers/folder.ts'
import { freePort } from '../../helpers/free-port.ts'
import { s3ClientFor } from '../../helpers/s3-client.ts'
import { startS3 } from '../../helpers/s3-server.ts'
import { storageSuite } from '../../helpers/storage-suite.ts'

const bucket = 'mlflow-jobs-test'
const key = 'jobs/job-1/output/model.tar.gz'
const mebibyte = 1024 * 1024
const anyCredentials = !process.env.S3_TEST_ENDPOINT && 'moto accepts any credentials'

const server = await startS3()
t.teardown(() => server.stop())
await server.makeBucket(bucket)
const client = s3ClientFor(server.endpoint, server.environment)

/** Empty, for each has a folder of its own. */
const makeS3 = (changes: Partial<S3Options> = {}) =>
  createS3({ bucket, prefix: `${randomUUID()}/`, customEndpoint: true, client, ...changes })

storageSuite(t, async t => {
  testFolder(t)
  return makeS3()
})

const inParts = { singleBytes: 5 * mebibyte, partBytes: 5 * mebibyte }

t.test('what is too large for one call goes in parts', async t => {
  const storage = makeS3({ uploadLimits: inParts })
  const bytes = randomBytes(12 * mebibyte)
  const file = fileWith(t, bytes)
  await storage.put(key, file)
  t.ok(Buffer.concat(await (await storage.read(key)).toArray()).equals(bytes))
  t.match((await storage.stat(key))?.etag, /-3"$/, 'as S3 marks an object of three parts')
  t.notOk(existsSync(file))
})

t.test(
  'in parts, too, an object that is there is kept if it was to be put only when absent',
  async t => {
    const storage = makeS3({ uploadLimits: inParts })
    await storage.put(key, fileWith(t, 'first'), { ifAbsent: true })
    const second = fileWith(t, randomBytes(6 * mebibyte))
    await storage.put(key, second, { ifAbsent: true })
    t.equal((await storage.stat(key))?.sizeBytes, 5)
    t.notOk(existsSync(second))
  }
)

t.test('a file that is not there is not put', async t => {
  await t.rejects(makeS3().put(key, join(testFolder(t), 'missing')), {
    message: /^"jobs\/job-1\/output\/model.tar.gz" was not stored: ENOENT/
  })
})

t.test('checking says that there is no such bucket', async t => {
  await t.rejects(makeS3({ bucket: 'mlflow-jobs-none' }).check(), {
    message:
      'The storage cannot be used: there is no bucket mlflow-jobs-none. Create it, or set S3_BUCKET to another one.'
  })
})

t.test('checking says that the endpoint cannot be reached', async t => {
  const nobody = s3ClientFor(`http://127.0.0.1:${await freePort()}`)
  await t.rejects(makeS3({ client: nobody }).check(), {
    message: /^The storage cannot be used: the S3 endpoint cannot be reached \(ECONNREFUSED: /
  })
})

t.test('checking says that credentials are not accepted', { skip: anyCredentials }, async t => {
  const wrong = { ...server.environment, AWS_SECRET_ACCESS_KEY: 'wrong' }
  await t.rejects(makeS3({ client: s3ClientFor(server.endpoint, wrong) }).check(), {
    message: /the AWS credentials are not accepted \(SignatureDoesNotMatch\)/
  })
})

t.test('checking says that there are no credentials, and no region', async t => {
  withoutAws(t)
  const { endpoint = '', region = '', credentials } = client
  await t.rejects(makeS3({ client: { endpoint, region } }).check(), {
    message: /no AWS credentials were found. Set AWS_ACCESS_KEY_ID/
  })
  await t.rejects(
    makeS3({ client: { endpoint, ...(credentials ? { credentials } : {}) } }).check(),
    {
      message: 'The storage cannot be used: no AWS region is known. Set AWS_REGION.'
    }
  )
})

/** A machine that has no settings for AWS, and asks no metadata service. */
function withoutAws(t: Test): void {
  const before = { ...process.env }
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  process.env.AWS_EC2_METADATA_DISABLED = 'true'
  process.env.AWS_CONFIG_FILE = process.env.AWS_SHARED_CREDENTIALS_FILE = '/dev/null'
  t.teardown(() => {
    process.env = before
  })
}

let made = 0

function fileWith(t: Test, content: string | Buffer): string {
  const folder = existsSync(t.testdirName) ? t.testdirName : testFolder(t)
  const file = join(folder, `put-${made++}`)
  writeFileSync(file, content)
  return file
}

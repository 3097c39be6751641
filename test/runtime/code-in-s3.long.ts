import { once } from 'node:events'
import { existsSync, mkdtempSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { containerTree } from '../../src/contract/container.ts'
import { downloadCode } from '../../src/runtime/download-code.ts'
import { fetchCode } from '../../src/runtime/fetch-code.ts'
import { startMlflow } from '../../src/runtime/mlflow.ts'
import { readSettings } from '../../src/runtime/settings.ts'
import { testFolder } from '../helpers/folder.ts'
import { imagePython } from '../helpers/image-python.ts'
import { python } from '../helpers/python.ts'
import { makeTree, runRuntime } from '../helpers/runtime.ts'
import { startS3 } from '../helpers/s3-server.ts'

t.setTimeout(300_000)

const { environment, endpoint, makeBucket, stop } = await startS3()
t.teardown(stop)
await makeBucket('code')
const image = await imagePython()
const uri = 's3://code/path of it/code.tar.gz'
await put('path of it/code.tar.gz', await archive('prints-parameters'))
await put('no-archive.tar.gz', 'no archive')

async function archive(project: string): Promise<Buffer> {
  const { inputData } = await makeTree({ base: testFolder(t), project })
  return readFile(join(inputData, 'code/project.tar.gz'))
}

async function put(Key: string, Body: Buffer | string): Promise<void> {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_REGION = '' } = environment
  const client = new S3Client({
    endpoint,
    region: AWS_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
  })
  await client.send(new PutObjectCommand({ Bucket: 'code', Key, Body }))
  client.destroy()
}

/** A job as an SDK starts it: the code in S3, and no channel. */
const run = (submitDirectory: string) =>
  runRuntime({
    base: testFolder(t),
    project: null,
    hyperparameters: { sagemaker_submit_directory: submitDirectory, text: 'x', number: '1' },
    environment: { MLFLOW_JOBS_PYTHON: image, ...environment }
  })

/** Fetches code as a job with these variables does, to a new folder below `base`. */
function fetcher(base: string, python: string, variables: NodeJS.ProcessEnv) {
  const settings = readSettings({
    PATH: process.env.PATH,
    MLFLOW_JOBS_PYTHON: python,
    ...variables
  })
  const log = new PassThrough().resume()
  const { variables: all } = settings
  const onMetrics = async () => {}
  const mlflow = startMlflow({ python, variables: all, cwd: base, log, onMetrics })
  const fetch = (source: string) =>
    fetchCode(containerTree(mkdtempSync(join(base, 'ml-'))), source, (uri, file) =>
      downloadCode(mlflow, uri, file, python)
    )
  return { fetch, close: mlflow.close }
}

t.test('code comes from S3, and its URI may be JSON', async t => {
  const { exitCode, log, report } = await run(JSON.stringify(uri))

  t.equal(exitCode, 0, log)
  t.match(log, /^arguments: \["x", "1"/m)
  t.equal(report.tags['mlflow.source.name'], uri)
})

t.test('code that is not there is the failure of the job', async t => {
  const { exitCode, report, failureFile } = await run('s3://code/other.tar.gz')

  const message = 'The code cannot be read: there is no s3://code/other.tar.gz.'
  t.equal(exitCode, 1)
  t.match(report.failure, { kind: 'user', message })
  t.equal(failureFile, message)
})

t.test('the endpoint and the region may have the names of old containers', async t => {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment
  const { fetch, close } = fetcher(testFolder(t), image, {
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    S3_ENDPOINT_URL: endpoint,
    SAGEMAKER_REGION: 'us-east-1'
  })
  t.teardown(close)

  const folder = await fetch(uri)

  t.ok(existsSync(join(folder, 'MLproject')))
})

t.test('code that cannot be had is told with its URI and whose fault it is', async t => {
  const { fetch, close } = fetcher(testFolder(t), image, environment)
  t.teardown(close)

  await t.rejects(fetch('s3://elsewhere/other.tar.gz'), {
    kind: 'user',
    message: /there is no s3:\/\/elsewhere\/other\.tar\.gz\./
  })
  await t.rejects(fetch('s3://code/no-archive.tar.gz'), {
    kind: 'user',
    message: /^The code archive s3:\/\/code\/no-archive\.tar\.gz cannot be unpacked/
  })
  await t.rejects(fetch('s3://code'), { kind: 'user', message: /is to name an object, such as/ })
})

t.test('code that the role may not read is no fault of the user', async t => {
  const denied = createServer((_request, response) => response.writeHead(403).end())
  denied.listen(0, '127.0.0.1')
  t.teardown(() => denied.close())
  await once(denied, 'listening')
  const { port } = denied.address() as AddressInfo
  const variables = { ...environment, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` }
  const { fetch, close } = fetcher(testFolder(t), image, variables)
  t.teardown(close)

  await t.rejects(fetch(uri), {
    kind: 'platform',
    message: /^The code at s3:\/\/code\/.* may not be read: .* needs s3:GetObject/
  })
})

t.test('an interpreter without boto3 is told', async t => {
  const { fetch, close } = fetcher(testFolder(t), python(), environment)
  t.teardown(close)

  await t.rejects(fetch(uri), {
    kind: 'platform',
    message: /has no boto3\. Install boto3 there, or give the code in the input channel "code"/
  })
})

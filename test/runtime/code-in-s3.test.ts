import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
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
  const { inputData } = await makeTree({ base: t.testdir(), project })
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
const run = (
  base: string,
  submitDirectory: string,
  variables: Record<string, string> = environment
) =>
  runRuntime({
    base,
    project: null,
    hyperparameters: { sagemaker_submit_directory: submitDirectory, text: 'x', number: '1' },
    environment: { MLFLOW_JOBS_PYTHON: image, ...variables }
  })

t.test('code comes from S3, its URI raw or as JSON', async t => {
  const folder = t.testdir({ raw: {}, json: {} })

  const [raw, json] = await Promise.all([
    run(join(folder, 'raw'), uri),
    run(join(folder, 'json'), JSON.stringify(uri))
  ])

  t.match(raw, { exitCode: 0, log: /^arguments: \["x", "1"/m })
  t.match(json, { exitCode: 0, log: /^arguments: \["x", "1"/m })
  t.equal(json.report.tags['mlflow.source.name'], uri)
})

t.test('the endpoint and the region may have the names of old containers', async t => {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = environment
  const variables = {
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    S3_ENDPOINT_URL: endpoint,
    SAGEMAKER_REGION: 'us-east-1'
  }

  const { exitCode, log } = await run(t.testdir(), uri, variables)

  t.equal(exitCode, 0, log)
})

t.test('code that cannot be had from S3 is told with its URI and whose fault it is', async t => {
  const denied = createServer((_request, response) => response.writeHead(403).end())
  denied.listen(0, '127.0.0.1')
  t.teardown(() => denied.close())
  await once(denied, 'listening')
  const { port } = denied.address() as AddressInfo
  const cases = {
    missing: [
      's3://code/other.tar.gz',
      environment,
      { kind: 'user', message: 'The code cannot be read: there is no s3://code/other.tar.gz.' }
    ],
    bucket: [
      's3://elsewhere/other.tar.gz',
      environment,
      { kind: 'user', message: /there is no s3:\/\/elsewhere\/other\.tar\.gz/ }
    ],
    denied: [
      uri,
      { ...environment, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` },
      { kind: 'platform', message: /^The code at s3:\/\/code\/.* needs s3:GetObject/ }
    ],
    packed: [
      's3://code/no-archive.tar.gz',
      environment,
      {
        kind: 'user',
        message: /^The code archive s3:\/\/code\/no-archive\.tar\.gz cannot be unpacked/
      }
    ],
    name: ['s3://code', environment, { kind: 'user', message: /is to name an object, such as/ }],
    boto3: [
      uri,
      { ...environment, MLFLOW_JOBS_PYTHON: python() },
      { kind: 'platform', message: /has no boto3\. Install boto3 there, or give the code in/ }
    ]
  } as const
  const folder = t.testdir(Object.fromEntries(Object.keys(cases).map(name => [name, {}])))
  for (const [name, [source, variables, failure]] of Object.entries(cases)) {
    const { exitCode, report, failureFile } = await run(join(folder, name), source, variables)

    t.equal(exitCode, 1, name)
    t.match(report.failure, failure, name)
    t.match(failureFile, failure.message, name)
  }
})

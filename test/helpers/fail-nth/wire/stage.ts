/** The API and the loop over S3 and SageMaker, with a proxy before both whose requests can be made to fail. */
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CloudWatchLogsClient,
  type CloudWatchLogsClientConfig
} from '@aws-sdk/client-cloudwatch-logs'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { SageMakerClient, type SageMakerClientConfig } from '@aws-sdk/client-sagemaker'
import { createSagemaker } from '../../../../src/server/backends/sagemaker/index.ts'
import { createJobLogs } from '../../../../src/server/backends/sagemaker/logs.ts'
import { watchStore } from '../../../../src/server/jobs/job-changes.ts'
import type { Storage } from '../../../../src/server/storage/index.ts'
import { createS3 } from '../../../../src/server/storage/s3.ts'
import type { Store } from '../../../../src/server/store/index.ts'
import { openSqlite } from '../../../../src/server/store/node-sqlite.ts'
import { createStore } from '../../../../src/server/store/sql.ts'
import { type Composed, compose } from '../../compose.ts'
import { s3ClientFor } from '../../s3-client.ts'
import { type S3Server, startS3 } from '../../s3-server.ts'
import { type SageMakerEmulator, startSageMaker } from '../../sagemaker/index.ts'
import { quick, settings } from '../../sagemaker-backend.ts'
import { makeOutputs, type Outputs } from '../outputs.ts'
import { type AwsProxy, createProxy } from './proxy.ts'

/** What is the same for all failures: it is started once. */
export interface Cloud {
  s3: S3Server
  emulator: SageMakerEmulator
  proxy: AwsProxy
  outputs: Outputs
  close(): Promise<void>
}

export interface WireStage {
  url: string
  cloud: Cloud
  store: Store
  /** Past the proxy. */
  storage: Storage
  start(): void
  /** A new process takes over. */
  restart(): Promise<void>
  put(key: string, file: string): Promise<void>
  leftovers(): Promise<string[]>
  close(): Promise<void>
}

const bucket = 'training'
const hangMilliseconds = 500

export async function startCloud(): Promise<Cloud> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-faults-'))
  const s3 = await startS3()
  await s3.makeBucket(bucket)
  const emulator = await startSageMaker({
    s3,
    knobs: { run: 'pretend', startMilliseconds: 0, uploadMilliseconds: 0, pretendMilliseconds: 30 }
  })
  const proxy = await createProxy({ s3: s3.endpoint, sagemaker: emulator.endpoint })
  return {
    s3,
    emulator,
    proxy,
    outputs: await makeOutputs(folder),
    async close() {
      proxy.close()
      await emulator.stop()
      await s3.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** `prefix`: of its own, so that nothing of another one is there. */
export async function createWireStage(cloud: Cloud, prefix: string): Promise<WireStage> {
  const { s3, proxy } = cloud
  const dataDir = await mkdtemp(join(tmpdir(), 'mlflow-jobs-faults-'))
  const temporary = join(dataDir, 'tmp')
  await mkdir(temporary)
  const store = await createStore(openSqlite(join(dataDir, 'jobs.db')))
  const place = { bucket, prefix, customEndpoint: true }
  const storage = createS3({ ...place, client: s3ClientFor(s3.endpoint, s3.environment) })
  let composed: Composed
  let url: string
  let clients: { destroy(): void }[]
  let close: () => Promise<void>

  async function begin(): Promise<void> {
    const config: SageMakerClientConfig = {
      endpoint: proxy.endpoints.sagemaker,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: { requestTimeout: hangMilliseconds, throwOnRequestTimeout: true }
    }
    const client = new SageMakerClient({ ...config, maxAttempts: 1 })
    const logs = new CloudWatchLogsClient(config as CloudWatchLogsClientConfig)
    clients = [client, logs]
    const backend = createSagemaker({
      settings,
      folder: dataDir,
      trackingUri: 'http://tracking:5000',
      client,
      createLogs: (hostsOf, passing) =>
        createJobLogs({
          client: logs,
          folder: passing ? temporary : dataDir,
          passing,
          hostsOf,
          onProblem() {},
          pollMilliseconds: 10,
          settleMilliseconds: 10
        }),
      onProblem() {},
      times: { ...quick, quotaMilliseconds: 50, stopRetryMilliseconds: 50 }
    })
    composed = await compose({
      dataDir,
      store: watchStore(store),
      backend,
      storage: createS3({
        ...place,
        client: s3ClientFor(proxy.endpoints.s3, s3.environment),
        answerMilliseconds: hangMilliseconds,
        uploadLimits: { pauseMilliseconds: 10, silentMilliseconds: 2 * hangMilliseconds }
      })
    })
    await composed.app.listen({ host: '127.0.0.1', port: 0 })
    url = `http://127.0.0.1:${(composed.app.server.address() as AddressInfo).port}`
    close = async () => {
      await composed.end()
      await backend.close({ keepServer: false })
      for (const one of clients) one.destroy()
    }
  }

  async function leftUploads(): Promise<string[]> {
    const client = new S3Client({
      ...s3ClientFor(s3.endpoint, s3.environment),
      forcePathStyle: true
    })
    const { Uploads = [] } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix })
    )
    client.destroy()
    return Uploads.map(({ Key }) => `an upload of ${Key} is left over`)
  }

  async function leftObjects(): Promise<string[]> {
    const left: string[] = []
    for await (const { key } of storage.list('jobs/')) {
      const id = key.split('/')[1] ?? ''
      if (!(await store.get(id))) left.push(`${key} is left over`)
    }
    return left
  }

  await begin()
  return {
    get url() {
      return url
    },
    cloud,
    store,
    storage,
    start: () => composed.jobs.start(),
    async restart() {
      await close()
      await begin()
    },
    async put(key, file) {
      const copy = join(dataDir, 'copy')
      if (file.startsWith('/')) await copyFile(file, copy)
      else await writeFile(copy, file)
      await storage.put(key, copy)
    },
    async leftovers() {
      const files = await readdir(temporary)
      return [
        ...files.map(name => `tmp/${name} is left over`),
        ...(await leftUploads()),
        ...(await leftObjects())
      ]
    },
    async close() {
      await close()
      await store.close()
      await rm(dataDir, { recursive: true })
    }
  }
}

/** The SageMaker backend alone, over the emulator with jobs that only pretend, and a real S3 server. */
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Test } from 'tap'
import { ulid } from 'ulid'
import type { Backend, BackendJob, Observation } from '../../src/server/backends/index.ts'
import { createClients } from '../../src/server/backends/sagemaker/clients.ts'
import { createSagemaker } from '../../src/server/backends/sagemaker/index.ts'
import { createJobLogs, type JobLogs } from '../../src/server/backends/sagemaker/logs.ts'
import type { Times } from '../../src/server/backends/sagemaker/times.ts'
import type { SagemakerConfig } from '../../src/server/config-aws.ts'
import { s3ClientFor } from './s3-client.ts'
import { type S3Server, startS3 } from './s3-server.ts'
import { type Knobs, type SageMakerEmulator, startSageMaker } from './sagemaker/index.ts'

export const settings: SagemakerConfig = {
  roleArn: 'arn:aws:iam::123456789012:role/training',
  imageUri: '123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1',
  defaults: {
    instanceType: 'ml.m5.xlarge',
    instanceCount: 1,
    volumeSizeGb: 30,
    maxRuntimeSeconds: 3600,
    spot: false,
    keepAliveSeconds: 0
  },
  maxRetries: 0,
  vpc: undefined,
  volumeKmsKey: undefined,
  outputKmsKey: undefined,
  networkIsolation: false,
  encryptTraffic: false,
  tags: {},
  metrics: {},
  secretArnPrefixes: [],
  inputRoots: undefined,
  pollSeconds: 1
}

export const projectUri = 's3://training/projects/code.tar.gz'

export const aBackendJob = (changes: Partial<BackendJob> = {}): BackendJob => ({
  id: `job-${ulid().toLowerCase()}`,
  hyperparameters: { alpha: '0.5', 'sagemaker_mlflow_run_entry-point': '"main"' },
  environment: {},
  secretNames: [],
  markedSecrets: [],
  secretReferences: {},
  tags: {},
  resources: {},
  inputs: {},
  project: { uri: projectUri, open: async () => Readable.from([]) },
  tenant: 'default',
  outputsUri: 's3://training/jobs',
  createdAt: new Date().toISOString(),
  ...changes
})

/** As the loop waits: it observes until the job is so; after a minute it throws, with what was seen last. */
export async function until(
  backend: Backend,
  id: string,
  is: (seen: Observation) => boolean
): Promise<Observation> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const seen = (await backend.observe([id])).get(id)
    if (seen && is(seen)) return seen
    if (Date.now() > deadline) throw new Error(`It is still so: ${JSON.stringify(seen)}`)
    await sleep(10)
  }
}

export const ended = (backend: Backend, id: string) =>
  until(backend, id, ({ state }) => state === 'ended')

export const quick: Times = {
  pollMilliseconds: 20,
  paceMilliseconds: 10,
  retryMilliseconds: 20,
  lookMilliseconds: 100,
  settleMilliseconds: 200,
  givenUpMilliseconds: 60_000,
  goneMilliseconds: 200,
  youngMilliseconds: 3_600_000,
  quotaMilliseconds: 10_000,
  stopRetryMilliseconds: 5_000
}

export interface StartOptions {
  folder: string
  settings?: Partial<SagemakerConfig>
  times?: Partial<Times>
  trackingUri?: string
  /** CloudWatch is not asked. */
  withoutLogs?: boolean
  /** Other services move the same jobs on. */
  shared?: boolean
}

export interface Stage {
  emulator: SageMakerEmulator
  problems: string[]
  /** The backend of a service that has just started; it is closed when the test ends. */
  start(t: Test, options: StartOptions): Backend
}

export async function stage(
  t: Test,
  knobs: Partial<Knobs> = {},
  startStorage: () => Promise<S3Server> = startS3
): Promise<Stage> {
  const s3 = await startStorage()
  await s3.makeBucket('training')
  const client = new S3Client({ ...s3ClientFor(s3.endpoint, s3.environment), forcePathStyle: true })
  await client.send(
    new PutObjectCommand({ Bucket: 'training', Key: 'projects/code.tar.gz', Body: 'code' })
  )
  client.destroy()
  const emulator = await startSageMaker({
    s3,
    knobs: { run: 'pretend', pretendMilliseconds: 20, ...knobs }
  })
  // The AWS SDK reads the environment by itself.
  Object.assign(process.env, emulator.environment)
  const problems: string[] = []
  const onProblem = (text: string) => void problems.push(text)
  t.teardown(async () => {
    await emulator.stop()
    await s3.stop()
  })
  return {
    emulator,
    problems,
    start(t, { folder, trackingUri = 'http://tracking:5000', withoutLogs, shared, ...options }) {
      const { sagemaker, cloudWatchLogs } = createClients('test')
      const backend = createSagemaker({
        settings: { ...settings, ...options.settings },
        folder,
        trackingUri,
        shared: shared ?? false,
        client: sagemaker,
        createLogs: (hostsOf, passing) =>
          withoutLogs
            ? noLogs
            : createJobLogs({
                client: cloudWatchLogs,
                folder,
                passing,
                hostsOf,
                onProblem,
                pollMilliseconds: 10,
                settleMilliseconds: 10
              }),
        onProblem,
        times: { ...quick, ...options.times }
      })
      t.teardown(() => backend.close({ keepServer: false }))
      return backend
    }
  }
}

const noLogs: JobLogs = {
  open: async () => undefined,
  finish: async () => undefined,
  metrics: () => undefined,
  forget: async () => {},
  close: async () => {}
}

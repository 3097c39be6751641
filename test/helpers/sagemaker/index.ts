/** Amazon SageMaker's training jobs and their logs on loopback, as clients of them see them. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { toolsPython } from '../python.ts'
import { type Call, countCalls } from './calls.ts'
import { createRandom, defaultKnobs, type Knobs } from './knobs.ts'
import { createLogs } from './logs.ts'
import { createOperations } from './operations.ts'
import { createProcessStarter } from './run-container.ts'
import { createRunner } from './run-job.ts'
import { createS3Folders } from './s3-folder.ts'
import { readModels } from './service-model.ts'
import { region, type TrainingJob } from './training-job.ts'
import { createWire } from './wire.ts'

export type { Call } from './calls.ts'
export type { Knobs } from './knobs.ts'
export type { TrainingJob } from './training-job.ts'

export interface EmulatorOptions {
  /** Where jobs find their inputs and leave their outputs. */
  s3: { endpoint: string; environment: Record<string, string> }
  /** An interpreter that has mlflow, for jobs that really run. */
  python?: string
  knobs?: Partial<Knobs>
  /** Any free one by default. */
  port?: number
}

export interface SageMakerEmulator {
  endpoint: string
  /** What a client of it needs, in any language. */
  environment: Record<string, string>
  /** May be changed at any time. */
  knobs: Knobs
  calls: Call[]
  count(operation?: string, outcome?: string): number
  jobs: ReadonlyMap<string, TrainingJob>
  /** Ends the processes of jobs, too. */
  stop(): Promise<void>
}

export async function startSageMaker(options: EmulatorOptions): Promise<SageMakerEmulator> {
  const knobs = { ...defaultKnobs(), ...options.knobs }
  const calls: Call[] = []
  const jobs = new Map<string, TrainingJob>()
  const closing = new AbortController()
  const { endpoint: s3Endpoint, environment: s3Environment } = options.s3
  const s3 = createS3Folders(s3Endpoint, s3Environment)
  const logs = createLogs(knobs)
  const run = createRunner({
    knobs,
    logs,
    s3,
    startContainer: createProcessStarter({ python: options.python ?? 'python3', s3Environment }),
    closing: closing.signal
  })
  const server = createWire({
    models: await readModels(toolsPython()),
    operations: { ...createOperations({ jobs, knobs, s3, run }), ...logs.operations },
    knobs,
    random: createRandom(knobs.seed),
    calls
  })
  // Clients keep connections, and one that is closed just as it is used again is an error to them.
  server.keepAliveTimeout = 60_000
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    endpoint,
    environment: {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ENDPOINT_URL_S3: s3Endpoint,
      ...s3Environment,
      AWS_ENDPOINT_URL_SAGEMAKER: endpoint,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: endpoint
    },
    knobs,
    calls,
    count: (operation, outcome) => countCalls(calls, operation, outcome),
    jobs,
    async stop() {
      closing.abort()
      server.closeAllConnections()
      server.close()
      await Promise.all([...jobs.values()].map(({ ended }) => ended))
      s3.close()
    }
  }
}

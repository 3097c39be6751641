import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetLogEventsCommand, paginateDescribeLogStreams } from '@aws-sdk/client-cloudwatch-logs'
import {
  CreateTrainingJobCommand,
  type CreateTrainingJobRequest,
  StopTrainingJobCommand
} from '@aws-sdk/client-sagemaker'
import t, { type Test } from 'tap'
import { extract } from 'tar'
import type { RunReport } from '../../src/contract/run-report.ts'
import { testFolder } from '../helpers/folder.ts'
import { trackingUri } from '../helpers/mlflow.ts'
import { pack, packFolder } from '../helpers/project.ts'
import { python } from '../helpers/python.ts'
import { bucket, startAll, trainingJob } from './start.ts'

const { emulator, sagemaker, logs, put, get, ended, describe } = await startAll(t, {
  python: python()
})
const group = { logGroupName: '/aws/sagemaker/TrainingJobs' }
const fixture = (name: string) =>
  packFolder(join(import.meta.dirname, '../fixtures/projects', name))
const shell = (command: string) =>
  pack({ MLproject: `entry_points:\n  main:\n    command: ${JSON.stringify(command)}\n` })

function channel(name: string, key: string) {
  const source = { S3DataType: 'S3Prefix' as const, S3Uri: `s3://${bucket}/${key}` }
  return { ChannelName: name, DataSource: { S3DataSource: source } }
}

/** Starts a job that has its code in the channel "code". */
async function start(
  name: string,
  project: Blob,
  more: Partial<CreateTrainingJobRequest> = {}
): Promise<void> {
  const key = `projects/${name}.tar.gz`
  await put(key, Buffer.from(await project.arrayBuffer()))
  const request = trainingJob(name, more)
  request.HyperParameters = {
    'sagemaker_mlflow_run_env-manager': 'local',
    ...more.HyperParameters
  }
  request.Environment = { MLFLOW_TRACKING_URI: await trackingUri(), ...more.Environment }
  request.InputDataConfig = [channel('code', key), ...(more.InputDataConfig ?? [])]
  await sagemaker.send(new CreateTrainingJobCommand(request))
}

/** Reads a file of an archive that an ended job left. */
async function readOutput(t: Test, name: string, path: string): Promise<string> {
  const [archive = '', ...rest] = path.split('/')
  const folder = join(testFolder(t), name)
  mkdirSync(join(folder, archive), { recursive: true })
  const file = join(folder, `${archive}.tar.gz`)
  const bytes = await get(`jobs/${name}/output/${archive}.tar.gz`)
  if (!bytes) throw new Error(`${name} left no ${archive}.tar.gz.`)
  writeFileSync(file, bytes)
  await extract({ file, cwd: join(folder, archive) })
  return readFileSync(join(folder, archive, ...rest), 'utf8')
}

const readReport = async (t: Test, name: string): Promise<RunReport> =>
  JSON.parse(await readOutput(t, name, 'output/run-report.json'))

async function streamsOf(name: string): Promise<string[]> {
  const names: string[] = []
  const request = { ...group, logStreamNamePrefix: `${name}/` }
  for await (const page of paginateDescribeLogStreams({ client: logs }, request))
    names.push(...(page.logStreams ?? []).map(({ logStreamName = '' }) => logStreamName))
  return names
}

/** All lines of the job's first stream, so many at a time. */
async function readLog(name: string, limit = 10_000): Promise<string[]> {
  const [logStreamName] = await streamsOf(name)
  const lines: string[] = []
  let nextToken: string | undefined
  for (;;) {
    const page = await logs.send(
      new GetLogEventsCommand({ ...group, logStreamName, startFromHead: true, limit, nextToken })
    )
    lines.push(...(page.events ?? []).map(({ message = '' }) => message))
    if (page.nextForwardToken === nextToken) return lines
    nextToken = page.nextForwardToken
  }
}

const noLogsYet = await streamsOf('nobody').catch((error: Error) => error)

// These run beside each other.
await put('data/part/one.csv', 'one')
await put('saved/old.txt', 'old')
await start('trains', await fixture('trains'), { HyperParameters: { alpha: '0.25' } })
await start('raises', await fixture('raises'), { HyperParameters: { alpha: '-1' } })
await start('hosts', await shell('echo words && env > "$SM_MODEL_DIR/env.txt"'), {
  ResourceConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 2, VolumeSizeInGB: 10 }
})
const copyInputs = [
  'cp "$SM_CHANNEL_TRAIN/part/one.csv" "$SM_MODEL_DIR"',
  'env > "$SM_MODEL_DIR/env.txt"',
  'cat "$SAGEMAKER_BASE_DIR/checkpoints/old.txt" > "$SAGEMAKER_BASE_DIR/checkpoints/new.txt"'
]
await start('inputs', await shell(copyInputs.join(' && ')), {
  InputDataConfig: [channel('train', 'data')],
  CheckpointConfig: { S3Uri: `s3://${bucket}/saved` },
  Environment: { COLOUR: 'blue' },
  EnableNetworkIsolation: true
})

t.test('there is no group of logs before a job has written', async t => {
  t.match(noLogsYet, {
    name: 'ResourceNotFoundException',
    message: 'The specified log group does not exist.'
  })
})

t.test('a job is run by the real runtime, its model and report lie in S3', async t => {
  const job = await ended('trains')
  const lines = await readLog('trains')
  t.equal(job.TrainingJobStatus, 'Completed', lines.join('\n'))
  t.match(
    job.SecondaryStatusTransitions?.map(({ Status }) => Status),
    ['Starting', 'Downloading', 'Training', 'Uploading', 'Completed']
  )
  t.ok(lines.includes('alpha is 0.25 channels are ["code"]'))
  const report = await readReport(t, 'trains')
  t.match(report, { exitCode: 0, failure: null, models: [{ name: 'model' }, { name: 'model' }] })
  const model = report.models[0]
  t.match(await readOutput(t, 'trains', `model/${model?.path}/MLmodel`), /python_function/)
})

t.test('a log is the same in pages, with empty ones among them', async t => {
  const lines = await readLog('trains')
  t.same(await readLog('trains', 3), lines)
  emulator.knobs.emptyPages = true
  t.same(await readLog('trains', 3), lines)
  emulator.knobs.emptyPages = false
})

t.test('a job that fails gives its cause and its exit code', async t => {
  const job = await ended('raises')
  t.equal(job.TrainingJobStatus, 'Failed')
  t.match(job.FailureReason, /^AlgorithmError: ValueError: [\s\S]*, exit code: 1$/)
  t.ok(Number(job.FailureReason?.length) <= 1024)
  t.match(await readReport(t, 'raises'), { failure: { kind: 'user', type: 'ValueError' } })
})

t.test('a job that is stopped keeps what it had left', async t => {
  const command = 'echo half > "$SM_MODEL_DIR/half.txt" && echo waiting && sleep 600'
  await start('waits', await shell(command))
  while (!(await readLog('waits').catch((): string[] => [])).includes('waiting')) await sleep(100)
  await sagemaker.send(new StopTrainingJobCommand({ TrainingJobName: 'waits' }))
  t.match(await describe('waits'), { TrainingJobStatus: 'Stopping' })
  const job = await ended('waits')
  t.match(job, { TrainingJobStatus: 'Stopped', SecondaryStatus: 'Stopped' })
  t.match(await readReport(t, 'waits'), { failure: { kind: 'stopped' } })
  t.equal(await readOutput(t, 'waits', 'model/half.txt'), 'half\n')
})

t.test('a job that does not end in time is killed', async t => {
  emulator.knobs.stopGraceSeconds = 0
  await start('deaf', await shell('echo deaf && sleep 600'), {
    StoppingCondition: { MaxRuntimeInSeconds: 1 }
  })
  const job = await ended('deaf')
  emulator.knobs.stopGraceSeconds = 120
  t.match(job, { TrainingJobStatus: 'Stopped', SecondaryStatus: 'MaxRuntimeExceeded' })
  t.equal(job.ModelArtifacts?.S3ModelArtifacts, `s3://${bucket}/jobs/deaf/output/model.tar.gz`)
  t.equal(await get('jobs/deaf/output/model.tar.gz'), undefined)
})

t.test('each host has a log of its own, and only the first runs the project', async t => {
  t.equal((await ended('hosts')).TrainingJobStatus, 'Completed')
  t.match(await streamsOf('hosts'), [/^hosts\/algo-1-\d{10}$/, /^hosts\/algo-2-\d{10}$/])
  t.ok((await readLog('hosts')).includes('words'))
  t.match(await readOutput(t, 'hosts', 'model/env.txt'), /^AWS_SECRET_ACCESS_KEY=/m)
})

t.test('a job has its channels, its environment and its checkpoints', async t => {
  const job = await ended('inputs')
  t.equal(job.TrainingJobStatus, 'Completed', (await readLog('inputs')).join('\n'))
  t.equal(await readOutput(t, 'inputs', 'model/one.csv'), 'one')
  t.equal(String(await get('saved/new.txt')), 'old')
  const environment = await readOutput(t, 'inputs', 'model/env.txt')
  t.match(environment, /^COLOUR=blue$/m)
  t.match(environment, /^TRAINING_JOB_NAME=inputs$/m)
  t.notMatch(environment, /^AWS_SECRET_ACCESS_KEY=/m, 'an isolated job has no credentials')
})

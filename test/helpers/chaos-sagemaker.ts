/**
 * The service with BACKEND=sagemaker is killed (-9) while a small quota, throttled and failing calls and lost answers stand
 * in its way; then the history is checked: every job is there, was trained exactly once, and has its log, model and end; those
 * whose input is not there have failed, and never reached AWS.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from 'tar'
import type { Job } from '../../src/server/routes/schemas.ts'
import {
  backwards,
  type ChaosResult,
  createKillable,
  type Killable,
  killAtRandom,
  settle,
  submitAll
} from './chaos.ts'
import { type PostgresServer, startPostgres } from './postgres.ts'
import { asOne } from './replicas.ts'
import { startS3 } from './s3-server.ts'
import { type Call, type SageMakerEmulator, startSageMaker } from './sagemaker/index.ts'
import { createRandom } from './sagemaker/knobs.ts'
import { sagemakerEnvironment } from './sagemaker-service.ts'

export interface SageMakerChaosOptions {
  kills: number
  jobs: number
  seed: number
  quota: number
  /** Probabilities. */
  throttle: number
  fail: number
  lostAnswers: number
  withoutInput: number
  /** So many services on one PostgreSQL; one on SQLite without it. */
  replicas?: number
  onProgress(text: string): void
}

const longestPauseMilliseconds = 12_000
const settleMilliseconds = 15 * 60_000
const missingInput = `s3://${sagemakerEnvironment.S3_BUCKET}/nothing/`

export async function chaosSagemaker(
  options: SageMakerChaosOptions
): Promise<ChaosResult & { calls: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-chaos-'))
  const s3 = await startS3()
  await s3.makeBucket(sagemakerEnvironment.S3_BUCKET)
  const { quota, throttle, fail, lostAnswers, withoutInput, seed, onProgress } = options
  const emulator = await startSageMaker({
    s3,
    knobs: {
      run: 'pretend',
      pretendMilliseconds: 500,
      quota: { 'ml.m5.xlarge': quota },
      throttle,
      fail,
      lostAnswers,
      seed
    }
  })
  const environment = {
    ...emulator.environment,
    ...sagemakerEnvironment,
    SAGEMAKER_INSTANCE_TYPE: 'ml.m5.xlarge'
  }
  const postgres = options.replicas ? await startPostgres() : undefined
  const service = postgres
    ? asOne(await onPostgres(postgres, options.replicas ?? 1, folder, environment))
    : await createKillable({ ...environment, DATA_DIR: join(folder, 'data') })
  try {
    const archive = await makeProject(folder)
    const acknowledged = new Set<string>()
    const random = createRandom(seed)
    const inputsOf = () => (random() < withoutInput ? { train: missingInput } : {})
    const submitting = submitAll(
      service,
      { archive, parameters: {}, inputsOf, ...options },
      acknowledged
    )
    await killAtRandom(service, options, longestPauseMilliseconds)
    await submitting
    onProgress(`${acknowledged.size} jobs are acknowledged; waiting for them to end`)
    const jobs = await settle(service, settleMilliseconds, onProgress)
    const result = await check(service, emulator, acknowledged, jobs)
    return { ...result, calls: summarize(emulator.calls) }
  } finally {
    await service.end()
    await emulator.stop()
    await s3.stop()
    await postgres?.remove()
    await rm(folder, { recursive: true, force: true })
  }
}

async function onPostgres(
  postgres: PostgresServer,
  count: number,
  folder: string,
  environment: Record<string, string>
): Promise<Killable[]> {
  const DATABASE_URL = await postgres.makeDatabase()
  const folders = Array.from({ length: count }, (_, n) => join(folder, `data-${n}`))
  return Promise.all(
    folders.map(DATA_DIR => createKillable({ ...environment, DATABASE_URL, DATA_DIR }))
  )
}

async function makeProject(folder: string): Promise<string> {
  const project = join(folder, 'project')
  await mkdir(project)
  const file = join(folder, 'project.tar.gz')
  await writeFile(
    join(project, 'MLproject'),
    'entry_points:\n  main:\n    command: python train.py\n'
  )
  await writeFile(join(project, 'train.py'), 'print("trained")\n')
  await create({ cwd: project, file, gzip: true }, await readdir(project))
  return file
}

async function check(
  service: Killable,
  emulator: SageMakerEmulator,
  acknowledged: Set<string>,
  jobs: Job[]
): Promise<ChaosResult> {
  const ids = new Set(jobs.map(({ id }) => id))
  const creations = emulator.calls.filter(isCreation)
  const created = Map.groupBy(creations, ({ jobName = '' }) => jobName)
  const result: ChaosResult = {
    acknowledged: acknowledged.size,
    known: jobs.length,
    lost: [...acknowledged].filter(id => !ids.has(id)),
    doubled: [...emulator.jobs.keys()].filter(id => !ids.has(id)).map(id => `${id} is nobody's`),
    stuck: [],
    broken:
      creations.length === emulator.jobs.size
        ? []
        : [`${creations.length} CreateTrainingJob have made ${emulator.jobs.size} training jobs`]
  }
  for (const job of jobs) {
    const starts = emulator.jobs.get(job.id)?.containerStarts ?? 0
    const creations = created.get(job.id)?.length ?? 0
    if (!job.terminal) result.stuck.push(`${job.id} is ${job.status}: ${job.statusReason}`)
    else if (job.inputs.train) {
      result.broken.push(...notRefused(job))
      if (creations > 0) result.doubled.push(`${job.id} has no input, and was made`)
      continue
    } else if (job.status !== 'succeeded')
      result.broken.push(`${job.id} is ${job.status}: ${job.failure?.message}`)
    if (starts === 0) result.lost.push(`${job.id} was never trained`)
    if (starts > 1 || creations > 1) result.doubled.push(`${job.id} was made ${creations} times`)
    result.broken.push(...backwards(job), ...(await brokenOutputs(service, job)))
  }
  return result
}

/** Answered, lost, or failed after it had been done. */
const isCreation = ({ operation, worked }: Call) => operation === 'CreateTrainingJob' && worked

function notRefused({ id, transitions, failure }: Job): string[] {
  const way = transitions.map(({ status }) => status).join(', ')
  return way === 'queued, failed' && failure?.kind === 'user'
    ? []
    : [`${id} has no input: ${way}, ${failure?.kind}: ${failure?.message}`]
}

async function brokenOutputs({ url }: Killable, { id, model, metrics }: Job): Promise<string[]> {
  const log = await (await fetch(`${url}/jobs/${id}/logs`)).text()
  return [
    ...(log === `${id} pretends to train\n` ? [] : [`${id}: its log is ${JSON.stringify(log)}`]),
    ...(model ? [] : [`${id} has no model`]),
    ...(metrics.pretended === 1 ? [] : [`${id} has no metrics`])
  ]
}

/** A line for each operation, with the outcomes of its calls. */
function summarize(calls: Call[]): string[] {
  return [...Map.groupBy(calls, ({ operation }) => operation)].map(([operation, all]) => {
    const outcomes = [...Map.groupBy(all, ({ outcome }) => outcome)]
    return `${operation} ${all.length}: ${outcomes.map(([name, { length }]) => `${name} ${length}`).join(', ')}`
  })
}

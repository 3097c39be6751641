/**
 * Jobs on an emulated SageMaker, with a real S3 server: a small quota, throttled and failing calls and lost answers stand in
 * the services' way. One service with SQLite, or two on one PostgreSQL.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { type Killable, makeKillable } from '../killable.ts'
import { type PostgresServer, startPostgres } from '../postgres.ts'
import { pack } from '../project.ts'
import { s3ClientFor } from '../s3-client.ts'
import { startS3 } from '../s3-server.ts'
import { type Call, startSageMaker } from '../sagemaker/index.ts'
import { sagemakerEnvironment } from '../sagemaker-service.ts'
import { leftInFolders, leftInSqlite, orphans, sayOrphans } from './left.ts'
import { crashPoints, type Stage, type StageOptions } from './stage.ts'

const { S3_BUCKET: bucket, S3_PREFIX: prefix } = sagemakerEnvironment
const replicas = 2
const unkind = {
  quota: { 'ml.m5.xlarge': 6 },
  throttle: 0.1,
  fail: 0.02,
  lostAnswers: 0.05,
  pretendMilliseconds: 2500
}

export const sagemakerStage = (options: StageOptions) => createStage(options)

export const postgresStage = async (options: StageOptions) =>
  createStage(options, await startPostgres())

async function createStage(options: StageOptions, postgres?: PostgresServer): Promise<Stage> {
  const { folder, seed, output } = options
  const s3 = await startS3()
  await s3.makeBucket(bucket)
  const emulator = await startSageMaker({ s3, knobs: { run: 'pretend', ...unkind, seed } })
  const url = await postgres?.makeDatabase()
  const folders = Array.from({ length: postgres ? replicas : 1 }, (_, n) =>
    join(folder, `data-${n}`)
  )
  const services = await Promise.all(
    folders.map(data =>
      makeKillable(
        {
          ...emulator.environment,
          ...sagemakerEnvironment,
          SAGEMAKER_INSTANCE_TYPE: 'ml.m5.xlarge',
          DATA_DIR: data,
          // Another service may be storing a project that this one finds nobody to need.
          ...(url ? { DATABASE_URL: url } : { KEEP_PROJECT_SECONDS: '1' })
        },
        { output, imports: [crashPoints] }
      )
    )
  )
  const client = new S3Client({
    ...s3ClientFor(s3.endpoint, s3.environment),
    forcePathStyle: true
  })
  const creations = () => emulator.calls.filter(isCreation)

  return {
    services,
    patient: 6,
    hasty: 3,
    parameters: {},
    missingInput: `s3://${bucket}/nothing/`,

    project: own =>
      pack({
        MLproject: 'entry_points:\n  main:\n    command: python train.py\n',
        'train.py': `# ${own ?? 'shared'}\nprint("trained")\n`
      }),

    /** A training job that was made and stopped before its container began has not run. */
    async runs() {
      return new Map([...emulator.jobs].map(([id, job]) => [id, job.containerStarts]))
    },

    checkLog({ id, status }, log) {
      const whole = `${id} pretends to train\n`
      const ok = log === whole || (status !== 'succeeded' && log === '')
      return ok ? [] : [`${id} is ${status}: its log is ${JSON.stringify(log)}`]
    },

    async check({ promised }) {
      const made = Map.groupBy(creations(), ({ jobName = '' }) => jobName)
      const doubled = [...made]
        .filter(([, calls]) => calls.length > 1)
        .map(([id, calls]) => `${id} was made ${calls.length} times`)
      const hopeless = [...promised.values()].filter(job => job.hopeless && made.has(job.id))
      const running = [...emulator.jobs.values()].filter(
        ({ description }) => !/^(Completed|Failed|Stopped)$/.test(description.TrainingJobStatus)
      )
      return {
        doubled: [...doubled, ...hopeless.map(({ id }) => `${id} has no input, and was made`)],
        broken: running.map(({ name }) => `${name} trains still`)
      }
    },

    async leftovers({ promised }) {
      const kept = new Set([...promised.values()].filter(job => !job.deleted).map(({ id }) => id))
      const left = new Set<string>()
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client },
        { Bucket: bucket, Prefix: `${prefix}jobs/` }
      ))
        for (const { Key = '' } of Contents) {
          const id = Key.slice(`${prefix}jobs/`.length).split('/')[0] ?? ''
          if (!kept.has(id)) left.add(`${Key} is left over in S3`)
        }
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: bucket })
      )
      return [
        ...left,
        ...Uploads.map(({ Key }) => `an upload of ${Key} is left over in S3`),
        ...(await leftInFolders(folders.filter(existsSync))),
        ...(postgres && url ? await leftInPostgres(postgres, url) : folders.flatMap(leftInSqlite))
      ]
    },

    async close() {
      await Promise.all(services.map((service: Killable) => service.end()))
      await emulator.stop()
      client.destroy()
      await s3.stop()
      await postgres?.remove()
    }
  }
}

/** Answered, lost, or failed after it had been done. */
const isCreation = ({ operation, worked }: Call) => operation === 'CreateTrainingJob' && worked

async function leftInPostgres(postgres: PostgresServer, url: string): Promise<string[]> {
  const left: string[] = []
  for (const [name, query] of Object.entries(orphans)) {
    const { rows } = await postgres.query(url, query)
    left.push(...sayOrphans(name, Number(rows[0]?.count)))
  }
  return left
}

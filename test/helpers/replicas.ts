/** Several services as processes of their own, on one PostgreSQL, over the emulated SageMaker and a real S3 server. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKillable, type Killable } from './killable.ts'
import { type PostgresServer, startPostgres } from './postgres.ts'
import { startS3 } from './s3-server.ts'
import { type Knobs, type SageMakerEmulator, startSageMaker } from './sagemaker/index.ts'
import { sagemakerEnvironment } from './sagemaker-service.ts'

export interface Replicas {
  all: Killable[]
  emulator: SageMakerEmulator
  postgres: PostgresServer
  /** Its DATA_DIR. */
  folderOf(replica: Killable): string
  /** The one that leads, as soon as one does, and one that does not. */
  roles(): Promise<{ leader: Killable; follower: Killable }>
  end(): Promise<void>
}

export async function startReplicas(
  count: number,
  knobs: Partial<Knobs>,
  given: Record<string, string> = {}
): Promise<Replicas> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-replicas-'))
  const folderAt = (n: number) => join(folder, `replica-${n}`)
  const postgres = await startPostgres()
  const s3 = await startS3()
  await s3.makeBucket(sagemakerEnvironment.S3_BUCKET)
  const emulator = await startSageMaker({ s3, knobs: { run: 'pretend', ...knobs } })
  const DATABASE_URL = await postgres.makeDatabase()
  const all = await Promise.all(
    Array.from({ length: count }, (_, n) =>
      createKillable({
        ...emulator.environment,
        ...sagemakerEnvironment,
        ...given,
        DATABASE_URL,
        DATA_DIR: folderAt(n)
      })
    )
  )

  async function leadingPid(): Promise<number | undefined> {
    const { rows } = await postgres.query(
      DATABASE_URL,
      'select holder from leadership where expires_at > clock_timestamp()'
    )
    return rows[0] && Number(rows[0].holder.split(':').at(-1))
  }

  return {
    all,
    emulator,
    postgres,
    folderOf: replica => folderAt(all.indexOf(replica)),
    async roles() {
      for (;;) {
        const pid = await leadingPid()
        const leader = all.find(replica => replica.pid() === pid)
        const follower = all.find(replica => replica.pid() !== pid)
        if (pid !== undefined && leader && follower) return { leader, follower }
        await sleep(100)
      }
    },
    async end() {
      for (const replica of all) replica.resume()
      await Promise.all(all.map(replica => replica.end()))
      await emulator.stop()
      await s3.stop()
      await postgres.remove()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

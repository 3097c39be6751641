/** The S3 server that is measured against: versitygw, which keeps objects on the disk, where it is there; else moto. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { prepareTestTools } from '../scripts/training.ts'
import { freePort } from '../test/helpers/free-port.ts'
import { s3ClientFor } from '../test/helpers/s3-client.ts'
import { type S3Server, startS3 } from '../test/helpers/s3-server.ts'

export type Store = Pick<S3Server, 'endpoint' | 'stop'> & { name: string }

export const bucket = 'mlflow-jobs-bench'

/** Its credentials are test and test. */
export async function startStore(folder: string): Promise<Store> {
  await mkdir(folder)
  const { failed } = await execa('versitygw', ['--version'], { reject: false })
  if (!failed) return startVersity(folder)
  const python = await prepareTestTools(text => console.log(`  ${text}`))
  return { name: 'moto', ...(await startS3({ python })) }
}

/** What the service needs to be told of it; makes the bucket. */
export async function storeEnvironment({ endpoint }: Store): Promise<Record<string, string>> {
  const client = new S3Client({ ...s3ClientFor(endpoint), forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return {
    STORAGE: 's3',
    S3_BUCKET: bucket,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test'
  }
}

async function startVersity(folder: string): Promise<Store> {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const objects = join(folder, 'objects')
  await mkdir(objects)
  const server = spawn(
    'versitygw',
    ['--access', 'test', '--secret', 'test', '--port', `127.0.0.1:${port}`, 'posix', objects],
    { stdio: 'ignore' }
  )
  while (!(await fetch(endpoint).catch(() => undefined))) {
    if (server.exitCode !== null) throw new Error('versitygw did not start')
    await sleep(50)
  }
  const stop = async () => {
    server.kill()
    await once(server, 'exit')
  }
  return { name: 'versitygw', endpoint, stop }
}

/**
 * A real S3 server: moto's, or the one that S3_TEST_ENDPOINT names, with the credentials of the test's own environment.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from './free-port.ts'
import { toolsPython } from './python.ts'

export interface S3Server {
  endpoint: string
  /** What AWS's clients in any language need to find it. */
  environment: Record<string, string>
  /** A bucket that is there already is fine. */
  makeBucket(name: string): Promise<void>
  stop(): Promise<void>
}

const region = 'us-east-1'

export async function startS3({ python }: { python?: string } = {}): Promise<S3Server> {
  const {
    S3_TEST_ENDPOINT,
    AWS_ACCESS_KEY_ID = 'test',
    AWS_SECRET_ACCESS_KEY = 'test'
  } = process.env
  const { endpoint, stop } = S3_TEST_ENDPOINT
    ? { endpoint: S3_TEST_ENDPOINT, stop: async () => {} }
    : await startMoto(python ?? toolsPython())
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  return {
    endpoint,
    environment: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY
    },
    async makeBucket(name) {
      await client.send(new CreateBucketCommand({ Bucket: name })).catch(unlessOwned)
    },
    async stop() {
      client.destroy()
      await stop()
    }
  }
}

/** Its objects are in its memory, and beyond some size in temporary files, which go with it. */
async function startMoto(python: string) {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const moto = spawn(
    python,
    ['-c', 'from moto.server import main; main()', '-H', '127.0.0.1', '-p', String(port)],
    { stdio: ['ignore', 'ignore', 'pipe'] }
  )
  let said = ''
  moto.stderr.on('data', chunk => {
    said = `${said}${chunk}`.slice(-2000)
  })
  while (!(await isUp(endpoint))) {
    if (hasEnded(moto)) throw new Error(`moto's server did not start: ${said}`)
    await sleep(50)
  }
  // A test that crashes must not leave it behind.
  const kill = () => moto.kill()
  process.once('exit', kill)
  const stop = async () => {
    process.off('exit', kill)
    if (hasEnded(moto)) return
    moto.kill()
    await once(moto, 'exit')
  }
  return { endpoint, stop }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode !== null || signalCode !== null

const isUp = (endpoint: string) =>
  fetch(`${endpoint}/moto-api/`).then(
    ({ ok }) => ok,
    () => false
  )

function unlessOwned(error: Error): void {
  if (error.name !== 'BucketAlreadyOwnedByYou') throw error
}

/** The service as a process of its own, as operators run it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import packageJson from '../package.json' with { type: 'json' }
import { freePort } from '../test/helpers/free-port.ts'

export interface ServiceProcess {
  url: string
  pid: number
  end(): Promise<void>
}

const root = join(import.meta.dirname, '..')
/** What npm start starts. */
const [, ...command] = packageJson.scripts.start.split(' ')

export async function startService(
  dataDir: string,
  { python, trackingUri }: { python: string; trackingUri: string },
  environment: Record<string, string> = {},
  /** What answers 200 when it is up; without it, when it could run a job. */
  health?: string
): Promise<ServiceProcess> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const service = spawn(process.execPath, command, {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      DATA_DIR: dataDir,
      PORT: String(port),
      PYTHON: python,
      MLFLOW_TRACKING_URI: trackingUri,
      LOG_LEVEL: 'warn',
      ...environment
    },
    stdio: ['ignore', 'inherit', 'inherit']
  })
  const isUp = health ? answers : isReady
  while (!(await isUp(url + (health ?? '/readyz')))) {
    if (service.exitCode !== null) throw new Error('the service did not start')
    await sleep(10)
  }
  return {
    url,
    pid: service.pid ?? 0,
    async end() {
      service.kill('SIGTERM')
      await once(service, 'exit')
    }
  }
}

const answers = (url: string) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false
  )

const isReady = (url: string) =>
  fetch(url).then(
    async response => ((await response.json()) as { backend: { ok: boolean } }).backend.ok,
    () => false
  )

/** The service as a process of its own, as operators run it. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import packageJson from '../package.json' with { type: 'json' }
import { freePort } from '../test/helpers/free-port.ts'
import { spawnService } from '../test/helpers/spawn-service.ts'

export interface ServiceProcess {
  url: string
  pid: number
  end(): Promise<void>
}

const root = join(import.meta.dirname, '..')
/** What npm start gives to Node before the file. */
const words = packageJson.scripts.start.split(' ').slice(1, -1)

export async function startService(
  dataDir: string,
  { python, trackingUri }: { python: string; trackingUri: string },
  environment: Record<string, string> = {},
  /** What answers 200 when it is up; without it, when it could run a job. */
  health?: string
): Promise<ServiceProcess> {
  const { url, child, isAlive, end } = spawnService(
    await freePort(),
    {
      DATA_DIR: dataDir,
      PYTHON: python,
      MLFLOW_TRACKING_URI: trackingUri,
      LOG_LEVEL: 'warn',
      ...environment
    },
    { words, cwd: root }
  )
  const isUp = health ? answers : isReady
  while (!(await isUp(url + (health ?? '/readyz')))) {
    if (!isAlive()) throw new Error('the service did not start')
    await sleep(10)
  }
  return { url, pid: child.pid ?? 0, end: () => end() }
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

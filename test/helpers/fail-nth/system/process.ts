/** The service as a process whose calls of node:fs are made by one thread, so that the n-th is always the same one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../free-port.ts'

export interface ServiceProcess {
  url: string
  dataDir: string
  pid(): number
  isAlive(): boolean
  /** The errors that it logged since it was asked last. */
  errors(): string[]
  start(): Promise<void>
  /** SIGTERM, and a new one. */
  restart(): Promise<void>
  /** Waits until it has ended. */
  ended(): Promise<void>
  /** Temporary files. */
  leftovers(): Promise<string[]>
  end(): Promise<void>
}

const main = join(import.meta.dirname, '../../../../src/server/main.ts')

/** No job can start: what is looked at is what requests do. */
export async function createServiceProcess(
  folder: string,
  environment: Record<string, string> = {}
): Promise<ServiceProcess> {
  const dataDir = join(folder, 'data')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess
  let exited: Promise<unknown>
  let errors: string[] = []

  async function start(): Promise<void> {
    child = spawn(process.execPath, [main], {
      env: {
        PATH: process.env.PATH,
        UV_THREADPOOL_SIZE: '1',
        DATA_DIR: dataDir,
        LOCAL_STANDBY: '0',
        PORT: String(port),
        LOG_LEVEL: 'error',
        PYTHON: '/bin/false',
        MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
        ...environment
      },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    exited = once(child, 'exit')
    for (const input of [child.stdout, child.stderr])
      if (input) createInterface({ input }).on('line', line => errors.push(readable(line)))
    while (!(await answers(url))) {
      if (!isAlive()) throw new Error(`The service does not start: ${errors.join('\n')}`)
      await sleep(20)
    }
  }

  const isAlive = () => child.exitCode === null && child.signalCode === null

  async function end(): Promise<void> {
    if (isAlive()) child.kill('SIGTERM')
    await exited
  }

  const service: ServiceProcess = {
    url,
    dataDir,
    pid: () => child.pid ?? 0,
    isAlive,
    errors() {
      const told = errors
      errors = []
      return told
    },
    start,
    async restart() {
      await end()
      await start()
    },
    async ended() {
      await exited
    },
    leftovers: () => readdir(join(dataDir, 'tmp')),
    end
  }
  await start()
  return service
}

/** A line of the log, in short. */
function readable(line: string): string {
  try {
    const { msg, err } = JSON.parse(line)
    return [msg, err?.type, err?.code, err?.message, err?.stack?.split('\n')[1]?.trim()]
      .filter(Boolean)
      .join(' ')
  } catch {
    return line
  }
}

const answers = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false
  )

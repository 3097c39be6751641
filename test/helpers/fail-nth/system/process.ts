/** The service as a process whose calls of node:fs are made by one thread, so that the n-th is always the same one. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../free-port.ts'
import { type SpawnedService, spawnService } from '../../spawn-service.ts'

export interface ServiceProcess {
  url: string
  dataDir: string
  pid(): number
  isAlive(): boolean
  /** The errors that it logged since it was asked last. */
  errors(): string[]
  start(): Promise<void>
  /** SIGTERM, or another signal, and a new one. */
  restart(signal?: NodeJS.Signals): Promise<void>
  /** Waits until it has ended. */
  ended(): Promise<void>
  /** Temporary files. */
  leftovers(): Promise<string[]>
  end(): Promise<void>
}

/** No job can start: what is looked at is what requests do. */
export async function createServiceProcess(
  folder: string,
  environment: Record<string, string> = {}
): Promise<ServiceProcess> {
  const dataDir = join(folder, 'data')
  const port = await freePort()
  let process: SpawnedService
  let errors: string[] = []

  async function start(): Promise<void> {
    process = spawnService(
      port,
      {
        UV_THREADPOOL_SIZE: '1',
        DATA_DIR: dataDir,
        LOG_LEVEL: 'error',
        PYTHON: '/bin/false',
        MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
        ...environment
      },
      { stdio: ['ignore', 'pipe', 'pipe'] }
    )
    for (const input of [process.child.stdout, process.child.stderr])
      if (input) createInterface({ input }).on('line', line => errors.push(readable(line)))
    if (!(await process.serves()))
      throw new Error(`The service does not start: ${errors.join('\n')}`)
  }

  const service: ServiceProcess = {
    url: `http://127.0.0.1:${port}`,
    dataDir,
    pid: () => process.child.pid ?? 0,
    isAlive: () => process.isAlive(),
    errors() {
      const told = errors
      errors = []
      return told
    },
    start,
    async restart(signal) {
      await process.end(signal)
      await start()
    },
    async ended() {
      await process.exited
    },
    leftovers: () => readdir(join(dataDir, 'tmp')),
    end: () => process.end()
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

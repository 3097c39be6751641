/** The service as a process whose every step outside of its data folder is seen, and what its archives inflate to. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { type OutsideWrites, outsideWrites, writingCalls } from './outside-writes.ts'
import { noStrace } from './strace.ts'

const main = join(import.meta.dirname, '../../src/server/main.ts')
const countInflation = join(import.meta.dirname, '../fixtures/count-inflation.ts')

export interface Inflation {
  /** Bytes that went in. */
  read: number
  inflated: number
}

export interface WatchedService {
  url: string
  dataDir: string
  /** What was inflated since it was asked last. */
  inflation(): Inflation
  /** Ends the service; undefined where there is no strace that could tell. */
  stop(): Promise<{ outside: OutsideWrites | undefined; beside: string[] }>
}

/** In a folder of its own below `root`. No job can run in it: what is made for jobs is not what is watched. */
export async function startWatchedService(
  root: string,
  environment: Record<string, string>
): Promise<WatchedService> {
  const dataDir = join(root, 'data')
  const trace = `${root}.strace`
  await mkdir(root)
  const words = ['--import', countInflation, main]
  // -D: the service is our child, and gets our signals.
  const watch = ['strace', '-D', '-f', '-y', '-s', '4096', '--seccomp-bpf', '-o', trace]
  const [command = '', ...rest] = noStrace
    ? [process.execPath, ...words]
    : [...watch, '-e', `trace=${writingCalls}`, process.execPath, ...words]
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const service = spawn(command, rest, {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: root,
      TMPDIR: root,
      PORT: String(port),
      DATA_DIR: dataDir,
      LOCAL_STANDBY: '0',
      PYTHON: '/no/python',
      MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
      LOG_LEVEL: 'error',
      // Its trial makes folders in a file system of its own, which look as if they were outside.
      LOCAL_SANDBOX: 'none',
      ...environment
    },
    stdio: ['ignore', 'inherit', 'inherit', 'pipe']
  })
  const exited = once(service, 'exit')
  let inflation: Inflation = { read: 0, inflated: 0 }
  createInterface({ input: service.stdio[3] as Readable }).on('line', line => {
    const { read, inflated } = JSON.parse(line) as Inflation
    inflation = { read: inflation.read + read, inflated: inflation.inflated + inflated }
  })
  while (!(await answers(url))) {
    if (service.exitCode !== null) throw new Error('The service did not start.')
    await sleep(50)
  }
  return {
    url,
    dataDir,
    inflation() {
      const told = inflation
      inflation = { read: 0, inflated: 0 }
      return told
    },
    async stop() {
      service.kill('SIGTERM')
      await exited
      const beside = (await readdir(root)).filter(name => name !== 'data')
      if (noStrace) return { outside: undefined, beside }
      return { outside: outsideWrites(await wholeTrace(trace, service.pid), dataDir, root), beside }
    }
  }
}

const answers = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false
  )

/** strace writes its last line a moment after the process has ended. */
async function wholeTrace(file: string, pid: number | undefined): Promise<string> {
  for (;;) {
    const log = await readFile(file, 'utf8')
    if (new RegExp(`^${pid} +\\+\\+\\+ `, 'm').test(log)) return log
    await sleep(50)
  }
}

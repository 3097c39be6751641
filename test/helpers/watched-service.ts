/** The service as a process whose every step outside of its data folder is seen, and what its archives inflate to. */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { type OutsideWrites, outsideWrites, writingCalls } from './outside-writes.ts'
import { spawnService } from './spawn-service.ts'
import { noStrace } from './strace.ts'

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
  // -D: the service is our child, and gets our signals.
  const watch = ['strace', '-D', '-f', '-y', '-s', '4096', '--seccomp-bpf', '-o', trace]
  const { url, child, serves, end } = spawnService(
    await freePort(),
    {
      HOME: root,
      TMPDIR: root,
      DATA_DIR: dataDir,
      LOCAL_STANDBY: '0',
      PYTHON: '/no/python',
      MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
      LOG_LEVEL: 'error',
      // Its trial makes folders in a file system of its own, which look as if they were outside.
      LOCAL_SANDBOX: 'none',
      ...environment
    },
    {
      cwd: root,
      wrapper: noStrace ? [] : [...watch, '-e', `trace=${writingCalls}`],
      words: ['--import', countInflation],
      stdio: ['ignore', 'inherit', 'inherit', 'pipe']
    }
  )
  let inflation: Inflation = { read: 0, inflated: 0 }
  createInterface({ input: child.stdio[3] as Readable }).on('line', line => {
    const { read, inflated } = JSON.parse(line) as Inflation
    inflation = { read: inflation.read + read, inflated: inflation.inflated + inflated }
  })
  if (!(await serves())) throw new Error('The service did not start.')
  return {
    url,
    dataDir,
    inflation() {
      const told = inflation
      inflation = { read: 0, inflated: 0 }
      return told
    },
    async stop() {
      await end()
      const beside = (await readdir(root)).filter(name => name !== 'data')
      if (noStrace) return { outside: undefined, beside }
      return { outside: outsideWrites(await wholeTrace(trace, child.pid), dataDir, root), beside }
    }
  }
}

/** strace writes its last line a moment after the process has ended. */
async function wholeTrace(file: string, pid: number | undefined): Promise<string> {
  for (;;) {
    const log = await readFile(file, 'utf8')
    if (new RegExp(`^${pid} +\\+\\+\\+ `, 'm').test(log)) return log
    await sleep(50)
  }
}

/** The service as a process of its own that can be killed, and started again on the same port with the same data. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

export interface Killable {
  url: string
  /** Of its process; undefined while there is none. */
  pid(): number | undefined
  /** Answers when it serves; false where it ended before. `crashAt`: see test/fixtures/crash-points. */
  start(crashAt?: string): Promise<boolean>
  /** The signal or the code by which the process of now ends. */
  exited(): Promise<NodeJS.Signals | number>
  /** SIGSTOP: it hangs until it goes on. */
  pause(): void
  /** SIGCONT */
  resume(): void
  kill(): Promise<void>
  end(): Promise<void>
}

const serviceMain = join(import.meta.dirname, '../../src/server/main.ts')

/** Not started yet. `output`: a file descriptor for what it says; `imports`: modules that are loaded before it. */
export async function makeKillable(
  environment: Record<string, string>,
  { output = 'inherit', imports = [] }: { output?: number | 'inherit'; imports?: string[] } = {}
): Promise<Killable> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const words = [...imports.flatMap(module => ['--import', module]), serviceMain]
  let process_: ChildProcess | undefined
  let exit = Promise.resolve<NodeJS.Signals | number>(0)
  const end = async (signal: NodeJS.Signals) => {
    process_?.kill(signal)
    await exit
  }
  return {
    url,
    pid: () => process_?.pid,
    exited: () => exit,
    pause: () => void process_?.kill('SIGSTOP'),
    resume: () => void process_?.kill('SIGCONT'),
    async start(crashAt) {
      const begun = spawn(process.execPath, words, {
        env: {
          PATH: process.env.PATH,
          PORT: String(port),
          LOG_LEVEL: 'warn',
          ...environment,
          ...(crashAt === undefined ? {} : { CRASH_AT: crashAt })
        },
        stdio: ['ignore', output, output]
      })
      process_ = begun
      exit = once(begun, 'exit').then(([code, signal]) => {
        if (process_ === begun) process_ = undefined
        return signal ?? code
      })
      while (process_ === begun) {
        if (await answers(url)) return true
        await sleep(50)
      }
      return false
    },
    kill: () => end('SIGKILL'),
    end: () => end('SIGTERM')
  }
}

/** Serves when it is answered. */
export async function createKillable(environment: Record<string, string>): Promise<Killable> {
  const killable = await makeKillable(environment)
  if (!(await killable.start())) throw new Error('The service did not start.')
  return killable
}

const answers = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false
  )

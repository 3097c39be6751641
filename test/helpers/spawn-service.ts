/** The service as a process of its own: what all have in common that start one, each in its way. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface SpawnedService {
  url: string
  child: ChildProcess
  /** The signal or the code by which it ends. */
  exited: Promise<NodeJS.Signals | number>
  isAlive(): boolean
  /** Waits until it answers; false where it ended before. */
  serves(): Promise<boolean>
  end(signal?: NodeJS.Signals): Promise<void>
}

export interface SpawnOptions {
  /** What Node is given before the file: such as --import and a module. */
  words?: string[]
  /** Begins the whole command, such as strace with its options. */
  wrapper?: string[]
  cwd?: string
  stdio?: StdioOptions
}

export const serviceMain = join(import.meta.dirname, '../../src/server/main.ts')

/** It sees of this process's environment the path alone. */
export function spawnService(
  port: number,
  environment: Record<string, string>,
  { words = [], wrapper = [], cwd, stdio = ['ignore', 'inherit', 'inherit'] }: SpawnOptions = {}
): SpawnedService {
  const [command = '', ...rest] = [...wrapper, process.execPath, ...words, serviceMain]
  const child = spawn(command, rest, {
    env: { PATH: process.env.PATH, PORT: String(port), ...environment },
    stdio,
    ...(cwd === undefined ? {} : { cwd })
  })
  const url = `http://127.0.0.1:${port}`
  const exited = once(child, 'exit').then(([code, signal]) => signal ?? code)
  const isAlive = () => child.exitCode === null && child.signalCode === null
  return {
    url,
    child,
    exited,
    isAlive,
    serves: () => serves(url, isAlive),
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      await exited
    }
  }
}

/** Waits until the service there answers; false where it has ended. */
export async function serves(url: string, isAlive: () => boolean): Promise<boolean> {
  while (isAlive()) {
    if (await answers(`${url}/healthz`)) return true
    await sleep(20)
  }
  return false
}

const answers = (url: string) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false
  )

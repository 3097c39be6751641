/** A server beside ours, as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Peer {
  url: string
  pid: number
  end(): Promise<void>
}

export interface PeerOptions {
  command: string
  words: string[]
  url: string
  /** What answers as soon as it is up. */
  health?: string
  cwd?: string
  environment?: Record<string, string>
}

export async function startPeer(options: PeerOptions): Promise<Peer> {
  const { command, words, url, health = '/', cwd, environment = {} } = options
  const child = spawn(command, words, {
    cwd,
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'inherit']
  })
  await Promise.race([once(child, 'spawn'), once(child, 'error').then(missing(command))])
  while (!(await fetch(url + health).catch(() => undefined))) {
    if (hasEnded(child)) throw new Error(`${command} did not start`)
    await sleep(50)
  }
  return {
    url,
    pid: child.pid ?? 0,
    async end() {
      if (hasEnded(child)) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }
}

const missing = (command: string) => () => {
  throw new Error(`Please install ${command}.`)
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode !== null || signalCode !== null

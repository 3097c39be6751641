/** The service as a process whose whole output is kept. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const main = join(import.meta.dirname, '../../../src/server/main.ts')
const patienceMilliseconds = 120_000

export interface ServiceProcess {
  url: string
  /** Ends it, and answers all that it has printed. */
  stop(): Promise<string>
}

export async function startService(environment: Record<string, string>): Promise<ServiceProcess> {
  const { child, said } = run(environment)
  const until = Date.now() + patienceMilliseconds
  for (;;) {
    const [, url] = /Server listening at (http:[^\s"]+)/.exec(said()) ?? []
    if (url) return { url, stop }
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`The service does not start: ${said()}`)
    await sleep(50)
  }

  async function stop(): Promise<string> {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
    return said()
  }
}

/** What a service says that cannot start. */
export async function failingService(environment: Record<string, string>): Promise<string> {
  const { child, said } = run(environment)
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMilliseconds / 2)
  await once(child, 'exit')
  clearTimeout(timer)
  return said()
}

function run(environment: Record<string, string>) {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [main], {
    env: { PATH, PORT: '0', LOG_LEVEL: 'trace', ...environment },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      text += chunk
    })
  return { child, said: () => text }
}

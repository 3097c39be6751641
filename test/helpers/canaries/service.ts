/** The service as a process whose whole output is kept. */
import { freePort } from '../free-port.ts'
import { spawnService } from '../spawn-service.ts'

const patienceMilliseconds = 60_000

export interface ServiceProcess {
  url: string
  /** Ends it, and answers all that it has printed. */
  stop(): Promise<string>
}

export async function startService(environment: Record<string, string>): Promise<ServiceProcess> {
  const { url, serves, end, said } = await run(environment)
  if (!(await serves())) throw new Error(`The service does not start: ${said()}`)
  return {
    url,
    async stop() {
      await end()
      return said()
    }
  }
}

/** What a service says that cannot start. */
export async function failingService(environment: Record<string, string>): Promise<string> {
  const { child, exited, said } = await run(environment)
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMilliseconds)
  await exited
  clearTimeout(timer)
  return said()
}

async function run(environment: Record<string, string>) {
  const service = spawnService(
    await freePort(),
    { LOG_LEVEL: 'trace', ...environment },
    { stdio: ['ignore', 'pipe', 'pipe'] }
  )
  let text = ''
  for (const stream of [service.child.stdout, service.child.stderr])
    stream?.on('data', chunk => {
      text += chunk
    })
  return { ...service, said: () => text }
}

/** The service as a process of its own that can be killed, and started again on the same port with the same data. */
import { freePort } from './free-port.ts'
import { type SpawnedService, spawnService } from './spawn-service.ts'

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

/** Not started yet. `output`: a file descriptor for what it says; `imports`: modules that are loaded before it. */
export async function makeKillable(
  environment: Record<string, string>,
  { output = 'inherit', imports = [] }: { output?: number | 'inherit'; imports?: string[] } = {}
): Promise<Killable> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const words = imports.flatMap(module => ['--import', module])
  let service: SpawnedService | undefined
  return {
    url,
    pid: () => (service?.isAlive() ? service.child.pid : undefined),
    exited: async () => service?.exited ?? 0,
    pause: () => void service?.child.kill('SIGSTOP'),
    resume: () => void service?.child.kill('SIGCONT'),
    async start(crashAt) {
      service = spawnService(
        port,
        {
          LOG_LEVEL: 'warn',
          ...environment,
          ...(crashAt === undefined ? {} : { CRASH_AT: crashAt })
        },
        { words, stdio: ['ignore', output, output] }
      )
      return service.serves()
    },
    kill: async () => service?.end('SIGKILL'),
    end: async () => service?.end()
  }
}

/** Serves when it is answered. */
export async function createKillable(environment: Record<string, string>): Promise<Killable> {
  const killable = await makeKillable(environment)
  if (!(await killable.start())) throw new Error('The service did not start.')
  return killable
}

/** The service as a process of its own. Its jobs stay queued: there is no interpreter that could run them. */
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import type { Job } from '../../src/server/routes/schemas.ts'
import { freePort } from './free-port.ts'
import { form, pack, simpleProject } from './project.ts'
import { spawnService } from './spawn-service.ts'

export interface Running {
  url: string
  /** SIGTERM; answers once the service has noticed. */
  stop(): Promise<void>
  /** Its exit code, or the signal that ended it. */
  exited: Promise<number | string>
  process: ChildProcess
}

export async function startService(
  t: Test,
  dataDir: string,
  environment: Record<string, string> = {}
): Promise<Running> {
  const port = Number(environment.PORT ?? (await freePort()))
  const { child, url, exited, end } = spawnService(
    port,
    { DATA_DIR: dataDir, PYTHON: '/nowhere/python', CLOSE_GRACE_SECONDS: '60', ...environment },
    { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  t.teardown(() => end('SIGKILL'))
  const told = Promise.withResolvers<void>()
  const listening = Promise.withResolvers<void>()
  createInterface({ input: child.stdout as Readable }).on('line', line => {
    const { msg } = JSON.parse(line)
    if (msg.startsWith('Server listening')) listening.resolve()
    if (msg === 'the service stops') told.resolve()
  })
  await Promise.race([
    listening.promise,
    exited.then(code => Promise.reject(new Error(`It ended with ${code}.`)))
  ])
  return {
    url,
    process: child,
    exited,
    async stop() {
      child.kill('SIGTERM')
      await told.promise
    }
  }
}

/** A small project's job. */
export async function submit(url: string, headers: Record<string, string> = {}): Promise<Job> {
  const body = form({ project: await pack(simpleProject), parameters: { alpha: 1 } })
  const answer = await fetch(`${url}/jobs`, { method: 'POST', body, headers })
  if (answer.status !== 202) throw new Error(await answer.text())
  return (await answer.json()) as Job
}

/** Ray Jobs on this machine, from PyPI, in an environment of its own; asked by its REST API. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheFolder } from '../../scripts/training.ts'
import { preparePython } from '../../src/server/backends/local/python.ts'
import { readConfig } from '../../src/server/config.ts'
import { freePort } from '../../test/helpers/free-port.ts'
import type { BenchOptions } from '../part.ts'
import { startPeer } from './process.ts'

export interface Ray {
  url: string
  /** Answers the job's id. */
  submit(entrypoint: string): Promise<string>
  status(id: string): Promise<string>
  stop(id: string): Promise<void>
  /** With all that it started. */
  end(): Promise<void>
}

export async function startRay({ folder, say }: BenchOptions): Promise<Ray> {
  const { buildEnvironment, jobEnvironment } = readConfig(process.env)
  const { bin } = await preparePython({
    folder: join(cacheFolder, 'ray'),
    requirements: join(import.meta.dirname, 'requirements-ray.txt'),
    environment: { ...jobEnvironment, ...buildEnvironment },
    onProgress: say
  })
  const dashboard = await freePort()
  const port = await freePort()
  const peer = await startPeer({
    command: join(bin, 'ray'),
    // --block keeps all of it below one process, which ends with it.
    words: [
      ...['start', '--head', '--block', '--port', `${port}`, '--num-cpus', '2'],
      ...['--dashboard-host', '127.0.0.1', '--dashboard-port', `${dashboard}`],
      // Sockets lie in there, whose paths may have no more than 107 bytes.
      ...['--temp-dir', join(folder, 'r'), '--disable-usage-stats']
    ],
    url: `http://127.0.0.1:${dashboard}`,
    health: '/api/version',
    environment: { PATH: `${bin}:${process.env.PATH}`, HOME: homedir() }
  })
  const { url } = peer
  // Its first answers may come before it can take a job.
  while (!(await fetch(`${url}/api/jobs/`)).ok) await sleep(200)
  return {
    url,
    async submit(entrypoint) {
      const answer = await ask(`${url}/api/jobs/`, 'POST', { entrypoint })
      return (answer as { submission_id: string }).submission_id
    },
    async status(id) {
      return ((await ask(`${url}/api/jobs/${id}`, 'GET')) as { status: string }).status
    },
    async stop(id) {
      await ask(`${url}/api/jobs/${id}/stop`, 'POST', {})
    },
    end: peer.end
  }
}

async function ask(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {})
  })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

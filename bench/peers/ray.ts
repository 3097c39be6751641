/** Ray Jobs on this machine, from PyPI, in an environment of its own; asked by its REST API. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
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
  /** Waits for its end. */
  ended(id: string): Promise<void>
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
      ...['--node-ip-address', '127.0.0.1', '--dashboard-host', '127.0.0.1'],
      ...['--dashboard-port', `${dashboard}`, '--disable-usage-stats'],
      // Sockets lie in there, whose paths may have no more than 107 bytes.
      ...['--temp-dir', join(folder, 'r')]
    ],
    url: `http://127.0.0.1:${dashboard}`,
    health: '/api/version',
    environment: { PATH: `${bin}:${process.env.PATH}`, HOME: homedir() }
  })
  const { url, end } = peer
  const ray: Ray = {
    url,
    async submit(entrypoint) {
      const answer = await ask(`${url}/api/jobs/`, 'POST', { entrypoint })
      return (answer as { submission_id: string }).submission_id
    },
    async status(id) {
      return ((await ask(`${url}/api/jobs/${id}`, 'GET')) as { status: string }).status
    },
    async ended(id) {
      while (['PENDING', 'RUNNING'].includes(await ray.status(id))) await sleep(200)
    },
    end
  }
  try {
    // Parts of it start with the first job: that takes seconds, and is nothing to compare with.
    await ray.ended(await ray.submit('true'))
  } catch (error) {
    await end()
    throw error
  }
  return ray
}

/** Not by fetch, whose headers are a browser's: Ray takes no POST of one. */
async function ask(url: string, method: string, body?: object): Promise<unknown> {
  const sent = request(url, { method, headers: { 'content-type': 'application/json' } })
  sent.end(body && JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const answer = await text(response)
  if (response.statusCode !== 200)
    throw new Error(`${method} ${url}: ${response.statusCode} ${answer}`)
  return JSON.parse(answer)
}

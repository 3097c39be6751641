/** Ray Jobs on this machine, from PyPI, in an environment of its own; asked by its REST API. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { cacheFolder } from '../../scripts/training.ts'
import { preparePython } from '../../src/server/backends/local/python.ts'
import { readConfig } from '../../src/server/config.ts'
import { freePort } from '../../test/helpers/free-port.ts'

export interface Ray {
  url: string
  /** Answers the job's id. */
  submit(entrypoint: string): Promise<string>
  status(id: string): Promise<string>
  stop(id: string): Promise<void>
  end(): Promise<void>
}

export async function startRay(onProgress: (text: string) => void): Promise<Ray> {
  const { buildEnvironment, jobEnvironment } = readConfig(process.env)
  const { bin } = await preparePython({
    folder: join(cacheFolder, 'ray'),
    requirements: join(import.meta.dirname, 'requirements-ray.txt'),
    environment: { ...jobEnvironment, ...buildEnvironment },
    onProgress
  })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const ray = (...words: string[]) =>
    execa(join(bin, 'ray'), words, {
      env: { PATH: `${bin}:${process.env.PATH}`, RAY_USAGE_STATS_ENABLED: '0' }
    })
  const address = await freePort()
  await ray(
    ...['start', '--head', '--port', `${address}`, '--num-cpus', '2', '--disable-usage-stats'],
    ...['--dashboard-host', '127.0.0.1', '--dashboard-port', `${port}`]
  )
  while (!(await fetch(`${url}/api/version`).catch(() => undefined))?.ok) await sleep(200)
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
    async end() {
      await ray('stop', '--force')
    }
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

/** How many polls of a running job a second, by a caller with a key, against Fastify's fastest route. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { freePort } from '../../test/helpers/free-port.ts'
import { alternate } from '../alternate.ts'
import type { Part } from '../part.ts'
import { type Peer, startPeer } from '../peers/process.ts'
import { startService } from '../service-process.ts'
import { sleeps, stop, submit, until, writeProject } from '../submit.ts'
import { answersPerSecond } from '../wrk.ts'

const scripts = join(import.meta.dirname, '../../scripts')

export const poll: Part = {
  about: 'polls of a running job, with a key: 200 and 304, against a static route of Fastify',
  async run(options) {
    const { folder, quick } = options
    const keys = join(folder, 'keys.json')
    await writeFile(keys, '{"keys":[]}')
    const { stdout: key } = await execa(
      process.execPath,
      [join(scripts, 'keys.ts'), 'add', 'bench'],
      { env: { API_KEYS_FILE: keys } }
    )
    const headers = { authorization: `Bearer ${key.trim()}` }
    const { archive } = await writeProject(folder, sleeps)
    const service = await startService(join(folder, 'data'), options, { API_KEYS_FILE: keys })
    let fastify: Peer | undefined
    try {
      const { id } = await submit(service.url, archive, headers)
      await until(service.url, id, job => job.status === 'running', headers)
      const url = `${service.url}/jobs/${id}`
      const answer = await fetch(url, { headers })
      const etag = answer.headers.get('etag') ?? ''
      fastify = await startStaticRoute(folder, await answer.text())
      const { url: routeUrl } = fastify
      const seconds = quick ? 1 : 4
      const { fresh, known, route } = await alternate(options, {
        fresh: () => answersPerSecond(url, { seconds, headers }),
        route: () => answersPerSecond(routeUrl, { seconds }),
        known: () =>
          answersPerSecond(url, { seconds, headers: { ...headers, 'if-none-match': etag } })
      })
      await stop(service.url, id, headers)
      const against = { what: 'static JSON route of Fastify', values: route }
      const unit = 'answers/s'
      return [
        {
          what: 'poll of a running job, 200',
          unit,
          ours: fresh,
          against,
          target: { atLeast: 0.75 }
        },
        { what: 'poll of a running job, 304', unit, ours: known, against, target: { atLeast: 0.9 } }
      ]
    } finally {
      await service.end()
      await fastify?.end()
    }
  }
}

/** The same answer as ours. */
async function startStaticRoute(folder: string, job: string): Promise<Peer> {
  const file = join(folder, 'job.json')
  await writeFile(file, job)
  const port = await freePort()
  return startPeer({
    command: process.execPath,
    words: [join(import.meta.dirname, '../peers/static-route.ts'), `${port}`, file],
    url: `http://127.0.0.1:${port}`
  })
}

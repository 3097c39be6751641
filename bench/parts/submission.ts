/** How long a submission takes while four projects of 1 GiB are being uploaded. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newHead, packTarGz, writeLargeProject } from '../archives.ts'
import { sendWithHead } from '../curl.ts'
import { percentile } from '../figure.ts'
import type { Part } from '../part.ts'
import { timeRequests } from '../requests.ts'
import { startService } from '../service-process.ts'
import { doesNothing, postProject, writeProject } from '../submit.ts'

const uploads = 4

export const submission: Part = {
  about: 'p99 of a submission while four uploads of 1 GiB run, against an idle service',
  async run(options) {
    const sizeMiB = options.quick ? 64 : 1024
    const { archive } = await writeProject(options.folder, doesNothing)
    const project = await writeLargeProject(options.folder, sizeMiB)
    const large = join(options.folder, 'large.tar.gz')
    await packTarGz(project, large)
    await rm(project, { recursive: true })
    const service = await startService(
      join(options.folder, 'data'),
      { ...options, python: '/nowhere/python' },
      { MAX_QUEUED_JOBS: '1000000' },
      '/healthz'
    )
    const p99 = async () => {
      const count = options.quick ? 30 : 200
      return percentile(await timeRequests(count, () => postProject(service.url, archive)), 0.99)
    }
    try {
      const idle: number[] = []
      const busy: number[] = []
      await p99()
      for (let round = 1; round <= options.rounds; round++) {
        idle.push(await p99())
        const sending = keepSending(`${service.url}/projects`, large)
        busy.push(await p99())
        await sending.end()
        options.say(`round ${round} of ${options.rounds}: ${idle.at(-1)} ms, ${busy.at(-1)} ms`)
      }
      return [
        {
          what: `p99 of POST /jobs while ${uploads} uploads of ${sizeMiB} MiB run`,
          unit: 'ms',
          ours: busy,
          against: { what: 'p99 without them', values: idle },
          target: { atMost: 3 }
        }
      ]
    } finally {
      await service.end()
    }
  }
}

/** As many uploads as there are, each of another project and followed by the next; the end waits for those that run. */
function keepSending(url: string, file: string) {
  let ending = false
  const one = async () => {
    while (!ending)
      await sendWithHead('POST', url, newHead(file), file, { type: 'application/gzip' })
  }
  const all = Promise.all(Array.from({ length: uploads }, one))
  return {
    async end() {
      ending = true
      await all
    }
  }
}

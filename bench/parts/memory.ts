/**
 * The service's memory while many large projects are uploaded at once, to the disk and to S3. Each is another project, for
 * one that is there would not be stored. 64 of 1 GiB, spooled and stored, would need more disk than most machines have:
 * memory must not depend on the size, so they are smaller.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newHead, packTarGz, packZip, writeLargeProject } from '../archives.ts'
import { sendFile, sendWithHead } from '../curl.ts'
import type { Figure } from '../figure.ts'
import type { BenchOptions, Part } from '../part.ts'
import { peakMiB } from '../process-usage.ts'
import { startStore, storeEnvironment } from '../s3-store.ts'
import { startService } from '../service-process.ts'

const mebibyte = 2 ** 20
const bytesPerSecond = 30 * mebibyte

export const memory: Part = {
  about: 'memory during 64 uploads of 256 MiB at once, to disk and to S3, against one upload',
  async run(options) {
    const [count, sizeMiB] = options.quick ? [8, 16] : [64, 256]
    const project = await writeLargeProject(options.folder, sizeMiB)
    const archives = {
      'tar.gz': join(options.folder, 'project.tar.gz'),
      zip: join(options.folder, 'project.zip')
    }
    await packTarGz(project, archives['tar.gz'])
    await packZip(project, archives.zip)
    await rm(project, { recursive: true })
    const store = await startStore(join(options.folder, 'store'))
    try {
      const figures: Figure[] = []
      for (const [place, environment] of [
        ['disk', {}],
        ['S3', await storeEnvironment(store)]
      ] as const) {
        const one = []
        const zip = []
        const many = []
        for (let round = 1; round <= options.rounds; round++) {
          one.push(await peak(options, environment, archives['tar.gz'], 1))
          zip.push(await peak(options, environment, archives.zip, 1))
          many.push(await peak(options, environment, archives['tar.gz'], count))
          options.say(`${place}, round ${round}: ${one.at(-1)}, ${zip.at(-1)}, ${many.at(-1)} MiB`)
        }
        const unit = 'MiB'
        const against = { what: 'one upload', values: one }
        const what = `${count} uploads of ${sizeMiB} MiB at once to ${place}`
        figures.push(
          { what: `one zip to ${place}`, unit, ours: zip, target: { atMost: 256 } },
          { what: `${what}, peak memory`, unit, ours: many, target: { atMost: 256 } },
          { what, unit, ours: many, against, target: { atMost: 1.6 } }
        )
      }
      return figures
    } finally {
      await store.stop()
    }
  }
}

/** A service of its own, for memory once taken is not given back. Uploads beyond its limit are told to come again, and do. */
async function peak(
  options: BenchOptions,
  environment: Record<string, string>,
  archive: string,
  count: number
): Promise<number> {
  const dataDir = join(options.folder, 'data')
  await mkdir(dataDir)
  const service = await startService(
    dataDir,
    { ...options, python: '/nowhere/python' },
    { MAX_UPLOADS: `${count}`, ...environment },
    '/healthz'
  )
  try {
    const url = `${service.url}/projects`
    const send = () =>
      archive.endsWith('gz')
        ? sendWithHead('POST', url, newHead(archive), archive, { bytesPerSecond })
        : sendFile('POST', url, archive, { bytesPerSecond })
    return await peakMiB(service.pid, () => Promise.all(Array.from({ length: count }, send)))
  } finally {
    await service.end()
    await rm(dataDir, { recursive: true })
  }
}

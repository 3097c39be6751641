/** The service's memory while a model of 1 GiB is downloaded through it from S3. */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { modelKey } from '../../src/server/storage/index.ts'
import { openSqlite } from '../../src/server/store/node-sqlite.ts'
import { createStore } from '../../src/server/store/sql.ts'
import { aJob } from '../../test/helpers/job-record.ts'
import { s3ClientFor } from '../../test/helpers/s3-client.ts'
import type { Figure } from '../figure.ts'
import type { Part } from '../part.ts'
import { peakMiB } from '../process-usage.ts'
import { bucket, startStore, storeEnvironment } from '../s3-store.ts'
import { type ServiceProcess, startService } from '../service-process.ts'

const mebibyte = 2 ** 20
const job = 'job-with-a-model'

export const s3Model: Part = {
  about: 'memory while a model of 1 GiB is downloaded from S3, from its beginning and by Range',
  async run(options) {
    const sizeMiB = options.quick ? 64 : 1024
    const store = await startStore(join(options.folder, 'store'))
    try {
      const environment = { ...(await storeEnvironment(store)), LOCAL_SLOTS: '1' }
      const data = join(options.folder, 'data')
      await makeModel(data, store.endpoint, sizeMiB)
      const service = await startService(data, options, environment)
      try {
        const figures: Figure[] = []
        for (const [what, start] of [
          ['a model from S3', 0],
          ['a model from S3 by Range', (sizeMiB / 8) * mebibyte]
        ] as const) {
          const bytes = sizeMiB * mebibyte - start
          const peak = await peakMiB(service.pid, () => read(service, start, bytes))
          figures.push({ what, unit: 'MiB', ours: [peak], target: { atMost: 256 } })
        }
        return figures
      } finally {
        await service.end()
      }
    } finally {
      await store.stop()
    }
  }
}

async function read({ url }: ServiceProcess, start: number, bytes: number): Promise<void> {
  const headers = start ? { range: `bytes=${start}-` } : undefined
  const response = await fetch(`${url}/jobs/${job}/model`, headers ? { headers } : {})
  let received = 0
  for await (const { length } of response.body ?? []) received += length
  if (received !== bytes) throw new Error(`received ${received} bytes instead of ${bytes}`)
}

/** A job that has ended, and its model in the store. */
async function makeModel(data: string, endpoint: string, sizeMiB: number): Promise<void> {
  await mkdir(data)
  const jobs = await createStore(openSqlite(join(data, 'jobs.db')))
  await jobs.insert(aJob({ id: job, status: 'succeeded' }))
  await jobs.close()
  const client = new S3Client({ ...s3ClientFor(endpoint), forcePathStyle: true })
  const piece = randomBytes(mebibyte)
  const Body = Readable.from(Array.from({ length: sizeMiB }, () => piece))
  const params = { Bucket: bucket, Key: modelKey(job), Body }
  await new Upload({ client, params, partSize: 16 * mebibyte }).done()
  client.destroy()
}

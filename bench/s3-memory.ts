/** The service's memory with STORAGE=s3: 16 projects uploaded at once, and a model of 1 GiB downloaded. */
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { create } from 'tar'
import { modelKey } from '../src/server/storage/index.ts'
import { openSqlite } from '../src/server/store/node-sqlite.ts'
import { createStore } from '../src/server/store/sql.ts'
import { aJob } from '../test/helpers/job-record.ts'
import { s3ClientFor } from '../test/helpers/s3-client.ts'
import type { BenchOptions } from './overhead.ts'
import { withPeak } from './resident.ts'
import { startStore } from './s3-store.ts'
import { type ServiceProcess, startService } from './service-process.ts'

const uploads = 16
const modelMiB = 1024
const targetMiB = 256
const mebibyte = 1024 ** 2
const bucket = 'mlflow-jobs-bench'
const modelJob = 'job-with-a-model'

export async function s3Memory({ sizeMiB, ...training }: BenchOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-bench-'))
  const store = await startStore(folder)
  try {
    const data = join(folder, 'data')
    await makeModel(data, store.endpoint)
    const service = await startService(data, training, {
      STORAGE: 's3',
      S3_BUCKET: bucket,
      AWS_ENDPOINT_URL_S3: store.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      LOCAL_SLOTS: '1'
    })
    try {
      console.log(`s3-memory: ${uploads} uploads at once of ${sizeMiB} MiB each, to ${store.name}`)
      await upload(service, await makeArchives(folder, sizeMiB))
      for (const start of [0, 100 * mebibyte]) {
        console.log(
          `s3-memory: a model of ${modelMiB} MiB downloaded${start ? `, by Range from byte ${start}` : ''}`
        )
        await download(service, start)
      }
    } finally {
      await service.end()
    }
  } finally {
    await store.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Archive {
  head: Buffer
  file: string
}

async function upload(service: ServiceProcess, archives: Archive[]): Promise<void> {
  const began = performance.now()
  const ids = await withPeak(service.pid, targetMiB, () =>
    Promise.all(archives.map(archive => submit(service.url, archive)))
  )
  const seconds = (performance.now() - began) / 1000
  console.log(`  in ${seconds.toFixed(1)} s`)
  for (const id of ids) await fetch(`${service.url}/jobs/${id}/stop`, { method: 'POST' })
  for (const id of ids) await (await fetch(`${service.url}/jobs/${id}/logs?follow=true`)).text()
}

/** By a stream of its own: FormData reads a file's blob slowly where many do at once. */
async function submit(url: string, { head, file }: Archive): Promise<string> {
  const boundary = 'a-boundary'
  async function* body() {
    yield Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="project"; filename="project.tar.gz"\r\n\r\n`
    )
    yield head
    yield* createReadStream(file, { highWaterMark: mebibyte })
    yield Buffer.from(`\r\n--${boundary}--\r\n`)
  }
  const response = await fetch(`${url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Readable.from(body()),
    duplex: 'half'
  })
  if (response.status !== 202) throw new Error(await response.text())
  return ((await response.json()) as { id: string }).id
}

async function download({ url, pid }: ServiceProcess, start: number): Promise<void> {
  const began = performance.now()
  await withPeak(pid, targetMiB, async () => {
    const headers = start ? { range: `bytes=${start}-` } : undefined
    const response = await fetch(`${url}/jobs/${modelJob}/model`, headers ? { headers } : {})
    let received = 0
    for await (const { length } of response.body ?? []) received += length
    if (received !== modelMiB * mebibyte - start) throw new Error(`received ${received} bytes`)
  })
  console.log(`  ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

/** A job that has ended, and its model in the store. */
async function makeModel(data: string, endpoint: string): Promise<void> {
  await mkdir(data)
  const jobs = await createStore(openSqlite(join(data, 'jobs.db')))
  await jobs.insert(aJob({ id: modelJob, status: 'succeeded' }))
  await jobs.close()
  const client = new S3Client({ ...s3ClientFor(endpoint), forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const piece = randomBytes(mebibyte)
  const Body = Readable.from(Array.from({ length: modelMiB }, () => piece))
  const params = { Bucket: bucket, Key: modelKey(modelJob), Body }
  await new Upload({ client, params, partSize: 16 * mebibyte }).done()
  client.destroy()
}

/**
 * Projects that differ, so that each is stored, and yet share their data on the disk: a gzip may have several members,
 * here one for MLproject and one for bytes that do not compress.
 */
async function makeArchives(folder: string, sizeMiB: number): Promise<Archive[]> {
  const cwd = join(folder, 'project')
  await mkdir(cwd)
  const data = await open(join(cwd, 'data.bin'), 'w')
  for (let n = 0; n < sizeMiB; n++) await data.write(randomBytes(mebibyte))
  await data.close()
  const shared = join(folder, 'data.tar.gz')
  await create({ cwd, file: shared, gzip: { level: 1 } }, ['data.bin'])
  await rm(join(cwd, 'data.bin'))
  const archives: Archive[] = []
  for (let n = 0; n < uploads; n++) {
    const text = `name: project ${n}\nentry_points:\n  main:\n    command: "true"\n`
    await writeFile(join(cwd, 'MLproject'), text)
    const file = join(folder, 'MLproject.tar')
    await create({ cwd, file }, ['MLproject'])
    // Without the two blocks of zeros that end an archive.
    archives.push({ head: gzipSync((await readFile(file)).subarray(0, -1024)), file: shared })
  }
  return archives
}

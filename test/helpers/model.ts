/** Models as jobs leave them: model.tar.gz, and a run report that lists its files. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { emptyReport } from '../../src/contract/empty-report.ts'
import type { ModelFile } from '../../src/contract/run-report.ts'
import { modelKey, reportKey, type Storage } from '../../src/server/storage/index.ts'
import { testApp } from './app.ts'
import { makeTar } from './archives.ts'
import { aJob } from './job-record.ts'

export const listed = (path: string, body: string | Buffer): ModelFile => ({
  path,
  sizeBytes: Buffer.byteLength(body),
  sha256: createHash('sha256').update(body).digest('hex')
})

export interface StoredModel {
  /** Path -> bytes. */
  files: Record<string, string | Buffer>
  /** In place of the archive of these files, and of the list of them. */
  archive?: Buffer
  list?: ModelFile[]
}

/** The API with a job `job-a` that has succeeded and left this model. */
export async function appWithModel(
  t: Test,
  { files, archive = modelArchive(files), list = listOf(files) }: StoredModel,
  makeStorage?: (dataDir: string) => Storage
) {
  const parts = await testApp(t, {}, makeStorage)
  const { store, storage, folder } = parts
  await store.insert(aJob({ id: 'job-a', status: 'succeeded' }))
  const put = async (key: string, bytes: string | Buffer) => {
    const file = join(folder, 'to-put')
    await writeFile(file, bytes)
    await storage.put(key, file)
  }
  await put(modelKey('job-a'), archive)
  await put(reportKey('job-a'), JSON.stringify({ ...emptyReport(), files: list }))
  return parts
}

export function modelArchive(files: StoredModel['files']): Buffer {
  const entries = Object.entries(files).map(([path, body]) => ({ path: `./${path}`, body }))
  return gzipSync(makeTar(entries, { format: 'pax' }), { level: 0 })
}

export const listOf = (files: StoredModel['files']) =>
  Object.entries(files).map(([path, body]) => listed(path, body))

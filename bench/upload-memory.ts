/** The service's memory while a project of 1 GiB, as .tar.gz and as .zip, is uploaded, checked and stored. */
import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream, openAsBlob } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { create } from 'tar'
import { ZipFile } from 'yazl'
import type { BenchOptions } from './overhead.ts'
import { withPeak } from './resident.ts'
import { startService } from './service-process.ts'

const sizeMiB = 1024
const targetMiB = 256

export async function uploadMemory(options: BenchOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-bench-'))
  try {
    await makeProject(join(folder, 'project'))
    for (const [name, make] of Object.entries({
      'project.tar.gz': makeTar,
      'project.zip': makeZip
    })) {
      const archive = join(folder, name)
      await make(join(folder, 'project'), archive)
      await measure(archive, join(folder, `data of ${name}`), options)
      await rm(archive)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(
  archive: string,
  data: string,
  { python, trackingUri }: BenchOptions
): Promise<void> {
  console.log(`upload-memory: ${basename(archive)} of ${sizeMiB} MiB`)
  const service = await startService(data, { python, trackingUri })
  try {
    const form = new FormData()
    form.append('project', await openAsBlob(archive), basename(archive))
    form.append('entryPoint', 'main')
    const response = await withPeak(service.pid, targetMiB, () =>
      fetch(`${service.url}/jobs`, { method: 'POST', body: form })
    )
    if (response.status !== 202) throw new Error(await response.text())
    const { id } = (await response.json()) as { id: string }
    await fetch(`${service.url}/jobs/${id}/stop`, { method: 'POST' })
    await fetch(`${service.url}/jobs/${id}/logs?follow=true`).then(r => r.text())
  } finally {
    await service.end()
  }
}

/** A project that is valid, with bytes that do not compress. */
async function makeProject(project: string): Promise<void> {
  await mkdir(project)
  await writeFile(join(project, 'MLproject'), 'entry_points:\n  main:\n    command: "true"\n')
  const data = await open(join(project, 'data.bin'), 'w')
  const block = randomBytes(1024 * 1024)
  for (let n = 0; n < sizeMiB; n++) {
    createHash('sha256').update(String(n)).digest().copy(block)
    await data.write(block)
  }
  await data.close()
}

async function makeTar(project: string, archive: string): Promise<void> {
  await create({ cwd: project, file: archive, gzip: { level: 1 } }, await readdir(project))
}

async function makeZip(project: string, archive: string): Promise<void> {
  const zip = new ZipFile()
  for (const name of await readdir(project))
    zip.addFile(join(project, name), name, { compressionLevel: 1 })
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(archive))
}

/** The service's memory while an archive of 1 GiB is uploaded, checked and stored. */
import { createHash, randomBytes } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { create } from 'tar'
import type { BenchOptions } from './overhead.ts'
import { startService } from './service-process.ts'

const sizeMiB = 1024
const targetMiB = 256
const sampleMilliseconds = 100

export async function uploadMemory({ python, trackingUri }: BenchOptions): Promise<void> {
  console.log(`upload-memory: an archive of ${sizeMiB} MiB`)
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-bench-'))
  try {
    const archive = await makeArchive(folder)
    const service = await startService(join(folder, 'data'), { python, trackingUri })
    try {
      const idle = await residentMiB(service.pid)
      let peak = idle
      const sampling = setInterval(async () => {
        peak = Math.max(peak, await residentMiB(service.pid).catch(() => 0))
      }, sampleMilliseconds)
      const form = new FormData()
      form.append('project', await openAsBlob(archive), 'project.tar.gz')
      form.append('entryPoint', 'main')
      const response = await fetch(`${service.url}/jobs`, { method: 'POST', body: form })
      clearInterval(sampling)
      if (response.status !== 202) throw new Error(await response.text())
      console.log(`  resident, idle   ${idle.toFixed(0)} MiB`)
      console.log(`  resident, peak   ${peak.toFixed(0)} MiB (${(peak / idle).toFixed(2)} of idle)`)
      console.log(`  target: below ${targetMiB} MiB`)
      const { id } = (await response.json()) as { id: string }
      await fetch(`${service.url}/jobs/${id}/stop`, { method: 'POST' })
      await fetch(`${service.url}/jobs/${id}/logs?follow=true`).then(r => r.text())
    } finally {
      await service.end()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Bytes that do not compress, in a project that is valid. */
async function makeArchive(folder: string): Promise<string> {
  const project = join(folder, 'project')
  await mkdir(project)
  await writeFile(join(project, 'MLproject'), 'entry_points:\n  main:\n    command: "true"\n')
  const data = await open(join(project, 'data.bin'), 'w')
  const block = randomBytes(1024 * 1024)
  for (let n = 0; n < sizeMiB; n++) {
    createHash('sha256').update(String(n)).digest().copy(block)
    await data.write(block)
  }
  await data.close()
  const archive = join(folder, 'project.tar.gz')
  await create({ cwd: project, file: archive, gzip: { level: 1 } }, await readdir(project))
  await rm(project, { recursive: true })
  return archive
}

async function residentMiB(pid: number): Promise<number> {
  const { stdout } = await execa('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) / 1024
}

/** Large projects: valid ones, whose bytes do not compress. */
import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { create } from 'tar'
import { ZipFile } from 'yazl'

const mebibyte = 2 ** 20

/** A folder of a project with so much data in it. */
export async function writeLargeProject(folder: string, sizeMiB: number): Promise<string> {
  const project = join(folder, `project of ${sizeMiB} MiB`)
  await mkdir(project)
  await writeFile(join(project, 'MLproject'), 'entry_points:\n  main:\n    command: "true"\n')
  await using data = await open(join(project, 'data.bin'), 'w')
  const block = randomBytes(mebibyte)
  for (let n = 0; n < sizeMiB; n++) {
    createHash('sha256').update(String(n)).digest().copy(block)
    await data.write(block)
  }
  return project
}

export async function packTar(project: string, archive: string): Promise<void> {
  await create({ cwd: project, file: archive }, await readdir(project))
}

export async function packTarGz(project: string, archive: string): Promise<void> {
  await create({ cwd: project, file: archive, gzip: { level: 1 } }, await readdir(project))
}

export async function packZip(project: string, archive: string): Promise<void> {
  const zip = new ZipFile()
  for (const name of await readdir(project))
    zip.addFile(join(project, name), name, { compressionLevel: 1 })
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(archive))
}

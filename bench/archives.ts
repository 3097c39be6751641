/** Large projects: valid ones. */
import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { create, Header } from 'tar'
import { ZipFile } from 'yazl'

const mebibyte = 2 ** 20

export type Data = 'random' | 'text'

/** A folder of a project with so much data in it: random bytes, which do not compress, or a table as text. */
export async function writeLargeProject(
  folder: string,
  sizeMiB: number,
  kind: Data = 'random'
): Promise<string> {
  const project = join(folder, `project of ${sizeMiB} MiB`)
  await mkdir(project)
  await writeFile(join(project, 'MLproject'), 'entry_points:\n  main:\n    command: "true"\n')
  await using data = await open(join(project, 'data.bin'), 'w')
  const block = kind === 'random' ? randomBytes(mebibyte) : Buffer.from(table(mebibyte))
  for (let n = 0; n < sizeMiB; n++) {
    createHash('sha256').update(String(n)).digest().copy(block)
    await data.write(block)
  }
  return project
}

function table(length: number): string {
  const lines: string[] = []
  for (let bytes = 0; bytes < length; bytes += lines.at(-1)?.length ?? 0) {
    const numbers = Array.from({ length: 6 }, () => (Math.random() * 100).toFixed(4))
    lines.push(`${numbers},label${Math.floor(Math.random() * 20)}\n`)
  }
  return lines.join('').slice(0, length)
}

export async function packTar(project: string, archive: string): Promise<void> {
  await writeFile(archive, newHead(archive))
  await append(create({ cwd: project }, await readdir(project)), archive)
}

export async function packTarGz(project: string, archive: string): Promise<void> {
  await writeFile(archive, newHead(archive))
  await append(create({ cwd: project, gzip: { level: 1 } }, await readdir(project)), archive)
}

/**
 * Makes it an archive of another project, in place: a project that is there already is not stored again. The first entry
 * has random bytes; in a tar.gz it is a gzip member of its own, always of the same length.
 */
export async function renew(archive: string): Promise<void> {
  await using file = await open(archive, 'r+')
  await file.write(newHead(archive), null, null, 0)
}

/** Its first bytes, of another project: what is behind them fits all of these. */
export const newHead = (archive: string): Buffer =>
  archive.endsWith('gz') ? gzipSync(firstEntry(), { level: 0 }) : firstEntry()

function firstEntry(): Buffer {
  const block = Buffer.alloc(512)
  new Header({ path: 'round', mode: 0o644, size: 512, mtime: new Date(0), type: 'File' }).encode(
    block
  )
  return Buffer.concat([block, randomBytes(512)])
}

const append = (from: AsyncIterable<Buffer>, archive: string) =>
  pipeline(from, createWriteStream(archive, { flags: 'a' }))

export async function packZip(project: string, archive: string): Promise<void> {
  const zip = new ZipFile()
  for (const name of await readdir(project))
    zip.addFile(join(project, name), name, { compressionLevel: 1 })
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(archive))
}

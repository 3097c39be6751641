/**
 * Prints the peak memory of inspecting archives of growing size: flat is right. Each inspection runs in a process of
 * its own. Ends with 1 where the largest archive takes more than 1.5 times what the smallest takes.
 *
 * Usage: node scripts/inspect-memory.ts [largest archive in MiB, 256 by default]
 */
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createGzip } from 'node:zlib'
import { execa } from 'execa'
import { Header } from 'tar'
import yazl from 'yazl'
import { defaultLimits, inspectArchive } from '../src/server/projects/index.ts'

const mebibyte = 2 ** 20
const [largest = '256', path] = process.argv.slice(2)

if (path === undefined) {
  process.exitCode = await compare(Number(largest))
} else {
  await measure(path)
}

async function compare(mebibytes: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'inspect-memory-'))
  let isFlat = true
  try {
    for (const format of ['tar.gz', 'zip']) {
      const peaks: number[] = []
      for (const size of [mebibytes / 16, mebibytes / 4, mebibytes]) {
        const archive = join(folder, `${size}.${format}`)
        await (format === 'zip' ? writeZip : writeTarGz)(archive, size)
        const script = fileURLToPath(import.meta.url)
        const { stdout } = await execa(process.execPath, [script, '0', archive])
        peaks.push(Number(stdout))
        console.log(`${format} of ${size} MiB: peak ${stdout} MiB`)
        await rm(archive)
      }
      isFlat &&= (peaks.at(-1) ?? 0) < 1.5 * (peaks[0] ?? 0)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  console.log(isFlat ? 'flat' : 'NOT FLAT')
  return isFlat ? 0 : 1
}

async function measure(path: string): Promise<void> {
  const folder = `${path}.out`
  await mkdir(folder)
  const { size } = await stat(path)
  await inspectArchive({ path, sizeBytes: size }, { folder, limits: defaultLimits })
  await rm(folder, { recursive: true })
  console.log(Math.round(process.resourceUsage().maxRSS / 1024))
}

async function writeTarGz(path: string, mebibytes: number): Promise<void> {
  async function* bytes() {
    yield header('MLproject', 0)
    yield header('noise', mebibytes * mebibyte)
    yield* noise(mebibytes)
    yield Buffer.alloc(1024)
  }
  await pipeline(Readable.from(bytes()), createGzip({ level: 1 }), createWriteStream(path))
}

async function writeZip(path: string, mebibytes: number): Promise<void> {
  const zip = new yazl.ZipFile()
  zip.addBuffer(Buffer.alloc(0), 'MLproject')
  zip.addReadStreamLazy('noise', {}, callback => callback(null, Readable.from(noise(mebibytes))))
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(path))
}

function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(512)
  new Header({ path, size, mode: 0o644, type: 'File' }).encode(block)
  return block
}

/** A quarter of zeros, the rest random. */
function* noise(mebibytes: number): Generator<Buffer> {
  for (let i = 0; i < mebibytes; i += 1) {
    yield Buffer.concat([Buffer.alloc(mebibyte / 4), randomBytes(mebibyte * 0.75)])
  }
}

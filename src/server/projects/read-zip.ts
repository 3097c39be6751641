import { open } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import { type ArchiveEntry, UnreadableArchive } from './archive-entry.ts'
import { isZlibError } from './read-chunks.ts'
import type { SpooledFile } from './write-spool.ts'
import { type CentralEntry, readZipCentral } from './zip-central.ts'
import { readZipEnd } from './zip-end.ts'
import { readZipLocal } from './zip-local.ts'
import { ZipSource } from './zip-source.ts'

/** Names of compression methods that people meet (APPNOTE.TXT 4.4.5). */
const methods: Record<number, string> = {
  1: 'shrink',
  6: 'implode',
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'zstd',
  95: 'xz',
  98: 'PPMd',
  99: 'AES encryption'
}

/**
 * The entries of a zip in the order of their bytes. Every byte of the file must belong to one entry, to the list of
 * entries, or to the end records: nothing before, between or after them, nothing shared. `spend` is told the size of
 * each entry before any is read. Throws UnreadableArchive, and PROJECT_TOO_LARGE for more than `maxEntries`.
 */
export async function* readZip(
  file: SpooledFile,
  maxEntries: number,
  spend: (bytes: number) => void
): AsyncGenerator<ArchiveEntry> {
  await using handle = await open(file.path)
  const source = new ZipSource(handle, file.sizeBytes)
  const end = await readZipEnd(source)
  const entries = await readZipCentral(source, end, maxEntries)
  for (const entry of entries) {
    spend(entry.sizeBytes)
  }
  let expected = 0
  for (const [i, entry] of entries.entries()) {
    const local = await readZipLocal(source, entry, entries[i + 1]?.start ?? end.centralStart)
    const fault = placeFault(entry.start, expected) ?? local.fault ?? methodFault(entry)
    yield toEntry(entry, fault, unpack(source, entry, local.dataStart))
    expected = Math.max(expected, local.end)
  }
  if (expected !== end.centralStart) {
    throw new UnreadableArchive(
      'there are bytes before its list of entries that belong to no entry'
    )
  }
}

function placeFault(start: number, expected: number): string | undefined {
  if (start === expected) {
    return undefined
  }
  return start < expected
    ? 'shares its bytes with another entry'
    : 'comes after bytes that belong to no entry'
}

function methodFault(entry: CentralEntry): string | undefined {
  if ((entry.flags & 0x2041) !== 0) {
    return 'is encrypted'
  }
  if ((entry.flags & 0x20) !== 0) {
    return 'is a patch of another file'
  }
  if (entry.method !== 0 && entry.method !== 8) {
    return `is compressed by ${methods[entry.method] ?? `method ${entry.method}`}; only deflate and stored are read`
  }
  return entry.method === 0 && entry.packedBytes !== entry.sizeBytes
    ? 'is stored as it is and yet has two sizes'
    : undefined
}

/** The upper four bits of a Unix mode (S_IFMT). */
const unknownFormat = 0
const folderFormat = 4
const fileFormat = 8
const formats: Record<number, string> = {
  1: 'a named pipe',
  2: 'a character device',
  6: 'a block device',
  10: 'a symbolic link',
  12: 'a socket'
}

function toEntry(
  entry: CentralEntry,
  fault: string | undefined,
  body: AsyncIterable<Buffer>
): ArchiveEntry {
  const isFolder = entry.name.at(-1) === 0x2f
  const what = specialKind(entry)
  const whole = fault ?? folderFault(entry, isFolder)
  return {
    name: entry.name,
    kind: what === undefined ? (isFolder ? 'folder' : 'file') : 'special',
    sizeBytes: entry.sizeBytes,
    executable: (entry.mode & 0o100) !== 0,
    ...(what === undefined ? {} : { what }),
    ...(whole === undefined ? {} : { fault: whole }),
    body
  }
}

function specialKind(entry: CentralEntry): string | undefined {
  const format = entry.mode >>> 12
  return [unknownFormat, folderFormat, fileFormat].includes(format)
    ? undefined
    : (formats[format] ?? `an entry of the unknown type ${format}`)
}

function folderFault(entry: CentralEntry, isFolder: boolean): string | undefined {
  const format = entry.mode >>> 12
  if (format === (isFolder ? fileFormat : folderFormat)) {
    return 'is a file by its name and a folder by its mode, or the other way round'
  }
  return isFolder && entry.sizeBytes > 0 ? 'is a folder with bytes of its own' : undefined
}

/** The bytes of an entry, held against its size and checksum. */
async function* unpack(
  source: ZipSource,
  entry: CentralEntry,
  start: number
): AsyncGenerator<Buffer> {
  const packed = source.range(start, start + entry.packedBytes)
  let length = 0
  let crc = 0
  for await (const chunk of entry.method === 8 ? inflate(packed, entry) : packed) {
    length += chunk.length
    crc = crc32(chunk, crc)
    if (length > entry.sizeBytes) {
      throw new UnreadableArchive('an entry holds more bytes than its size says')
    }
    yield chunk
  }
  if (length < entry.sizeBytes) {
    throw new UnreadableArchive('an entry holds fewer bytes than its size says')
  }
  if (crc !== entry.crc) {
    throw new UnreadableArchive('the checksum of an entry is wrong')
  }
}

async function* inflate(
  packed: AsyncIterable<Buffer>,
  entry: CentralEntry
): AsyncGenerator<Buffer> {
  const chunkSize = Math.min(Math.max(entry.sizeBytes, 1024), 2 ** 20)
  const inflater = createInflateRaw({ chunkSize })
  pipeline(Readable.from(packed, { objectMode: false }), inflater, () => {})
  try {
    yield* inflater as AsyncIterable<Buffer>
  } catch (error) {
    throw isZlibError(error)
      ? new UnreadableArchive(`an entry does not inflate (${error.message})`)
      : error
  }
  if (inflater.bytesWritten !== entry.packedBytes) {
    throw new UnreadableArchive('an entry has bytes after the end of its compressed data')
  }
}

/** Archives built in memory: proper ones, and ones that no packer would write. */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { crc32, deflateRawSync } from 'node:zlib'
import yazl from 'yazl'

export interface TarEntry {
  path: string | Buffer
  body?: string | Buffer
  /** Type flag; '0', a file, by default. */
  type?: string
  mode?: number
  linkPath?: string
  /** Records of a PAX header before the entry. */
  pax?: Record<string, string | Buffer>
  /** The size that the header tells, where it is not the body's. */
  size?: number
  /** Changes the header before its checksum is made. */
  change?: (header: Buffer) => void
  /** Changes the header after that. */
  spoil?: (header: Buffer) => void
}

export interface TarOptions {
  format?: 'ustar' | 'gnu' | 'pax' | 'v7'
  /** What comes after the last entry: two blocks of zeros by default. */
  end?: Buffer
}

export const endMark = Buffer.alloc(1024)

/** A tar in a format's own way of long names. */
export function makeTar(entries: TarEntry[], options: TarOptions = {}): Buffer {
  const { format = 'ustar', end = endMark } = options
  return Buffer.concat([...entries.flatMap(entry => tarEntry(entry, format)), end])
}

function tarEntry(entry: TarEntry, format: string): Buffer[] {
  const path = toBuffer(entry.path)
  const body = toBuffer(entry.body ?? '')
  const isLong = path.length > 100
  const pax = { ...entry.pax, ...(isLong && format === 'pax' ? { path } : {}) }
  return [
    ...(Object.keys(pax).length > 0 ? [extension('x', paxRecords(pax))] : []),
    ...(isLong && format === 'gnu' ? [gnuLongName(path)] : []),
    tarHeader(entry, path, body.length, format),
    padded(body)
  ]
}

export const paxHeader = (records: Record<string, string | Buffer>, type = 'x'): Buffer =>
  extension(type, paxRecords(records))

export const gnuLongName = (path: string | Buffer, type = 'L'): Buffer =>
  extension(type, Buffer.concat([toBuffer(path), Buffer.alloc(1)]))

/** An extended header of any content. */
export function extension(type: string, data: Buffer): Buffer {
  const header = tarHeader(
    { path: 'extension', type },
    Buffer.from('extension'),
    data.length,
    'ustar'
  )
  return Buffer.concat([header, padded(data)])
}

function paxRecords(records: Record<string, string | Buffer>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), toBuffer(value), Buffer.from('\n')])
      let length = rest.length
      while (length !== rest.length + String(length).length) {
        length = rest.length + String(length).length
      }
      return Buffer.concat([Buffer.from(String(length)), rest])
    })
  )
}

function tarHeader(entry: TarEntry, path: Buffer, bodyLength: number, format: string): Buffer {
  const block = Buffer.alloc(512)
  const slash =
    format === 'ustar' && path.length > 100 ? path.lastIndexOf('/', path.length - 2) : -1
  path.copy(block, 0, slash + 1, slash + 101)
  octal(block, 100, 8, entry.mode ?? 0o644)
  octal(block, 108, 8, 1000)
  octal(block, 116, 8, 1000)
  octal(block, 124, 12, entry.size ?? bodyLength)
  octal(block, 136, 12, 1_700_000_000)
  block.write(entry.type ?? (format === 'v7' ? '\0' : '0'), 156, 'latin1')
  block.write(entry.linkPath ?? '', 157, 100)
  if (format !== 'v7') {
    block.write(format === 'gnu' ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1')
  }
  path.copy(block, 345, 0, Math.max(slash, 0))
  entry.change?.(block)
  writeChecksum(block)
  entry.spoil?.(block)
  return block
}

export function octal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, length, 'latin1')
}

function writeChecksum(block: Buffer): void {
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
}

const padded = (data: Buffer): Buffer => Buffer.concat([data, Buffer.alloc(-data.length & 511)])

const toBuffer = (value: string | Buffer): Buffer =>
  typeof value === 'string' ? Buffer.from(value) : value

export interface YazlFile {
  path: string
  body: string
  mode?: number
  compress?: boolean
  /** As a stream: the sizes come in a data descriptor after the bytes. */
  streamed?: boolean
}

/** A zip as a real packer writes it. */
export async function makeZip(
  files: YazlFile[],
  options: { zip64?: boolean; folders?: string[] } = {}
): Promise<Buffer> {
  const zip = new yazl.ZipFile()
  const forceZip64Format = options.zip64 ?? false
  for (const folder of options.folders ?? []) {
    zip.addEmptyDirectory(folder)
  }
  for (const { path, body, mode = 0o100644, compress = true, streamed } of files) {
    const entry = { mode, compress, forceZip64Format }
    if (streamed) {
      zip.addReadStreamLazy(path, entry, next => next(null, toStream(body)))
    } else {
      zip.addBuffer(Buffer.from(body), path, entry)
    }
  }
  zip.end({ forceZip64Format, comment: '' })
  return buffer(zip.outputStream)
}

export interface ZipEntry {
  name: string | Buffer
  body?: string | Buffer
  method?: number
  flags?: number
  mode?: number
  /** The packer's system in the upper byte of "version made by"; 3 is Unix. */
  system?: number
  extra?: Buffer
  /** What comes after the bytes. */
  descriptor?: Buffer
  /** The packed bytes, where they are not what the method makes of the body. */
  packed?: Buffer
  /** Fields as both headers tell them. */
  crc?: number
  size?: number
  packedSize?: number
  /** Fields as only the header before the bytes tells them. */
  local?: {
    name?: string
    method?: number
    flags?: number
    crc?: number
    size?: number
    packedSize?: number
    extra?: Buffer
    signature?: number
  }
  /** Where the central directory says that the entry begins. */
  start?: number
}

export interface ZipOptions {
  /** Bytes before the first entry, before the central directory, and after all. */
  before?: Buffer
  between?: Buffer
  after?: Buffer
  /** Changes the end record. */
  changeEnd?: (end: Buffer) => void
  comment?: string
}

/** A zip byte by byte, as no packer would write it. */
export function makeRawZip(entries: ZipEntry[], options: ZipOptions = {}): Buffer {
  const parts: Buffer[] = [options.before ?? Buffer.alloc(0)]
  const central: Buffer[] = []
  let offset = parts[0]?.length ?? 0
  for (const entry of entries) {
    const facts = zipFacts(entry)
    const local = Buffer.concat([
      zipLocalHeader(entry, facts),
      facts.packed,
      entry.descriptor ?? Buffer.alloc(0)
    ])
    parts.push(local)
    central.push(zipCentralHeader(entry, facts, entry.start ?? offset))
    offset += local.length
  }
  const between = options.between ?? Buffer.alloc(0)
  const directory = Buffer.concat(central)
  const comment = Buffer.from(options.comment ?? '')
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset + between.length, 16)
  end.writeUInt16LE(comment.length, 20)
  options.changeEnd?.(end)
  return Buffer.concat([
    ...parts,
    between,
    directory,
    end,
    comment,
    options.after ?? Buffer.alloc(0)
  ])
}

/** A data descriptor with a signature. */
export function zipDescriptor(crc: number, packedSize: number, size: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.write('PK\x07\x08', 0, 'latin1')
  bytes.writeUInt32LE(crc, 4)
  bytes.writeUInt32LE(packedSize, 8)
  bytes.writeUInt32LE(size, 12)
  return bytes
}

export function zipExtra(id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16LE(id, 0)
  head.writeUInt16LE(data.length, 2)
  return Buffer.concat([head, data])
}

/** Info-ZIP's field that gives a name in UTF-8 for the raw one. */
export function zipUnicodePath(rawName: string | Buffer, name: string): Buffer {
  const data = Buffer.alloc(5)
  data[0] = 1
  data.writeUInt32LE(crc32(toBuffer(rawName)), 1)
  return zipExtra(0x7075, Buffer.concat([data, Buffer.from(name)]))
}

function zipFacts(entry: ZipEntry) {
  const body = toBuffer(entry.body ?? '')
  const packed = entry.packed ?? (entry.method === 8 ? deflateRawSync(body) : body)
  return {
    packed,
    crc: entry.crc ?? crc32(body),
    size: entry.size ?? body.length,
    packedSize: entry.packedSize ?? packed.length
  }
}

type ZipFacts = ReturnType<typeof zipFacts>

function zipLocalHeader(entry: ZipEntry, facts: ZipFacts): Buffer {
  const local = { ...entry, ...facts, ...entry.local }
  const name = toBuffer(local.name)
  const extra = local.extra ?? Buffer.alloc(0)
  const header = Buffer.alloc(30)
  header.writeUInt32LE(entry.local?.signature ?? 0x04034b50, 0)
  header.writeUInt16LE(20, 4)
  header.writeUInt16LE(local.flags ?? 0, 6)
  header.writeUInt16LE(local.method ?? 0, 8)
  header.writeUInt32LE(local.crc, 14)
  header.writeUInt32LE(local.packedSize, 18)
  header.writeUInt32LE(local.size, 22)
  header.writeUInt16LE(name.length, 26)
  header.writeUInt16LE(extra.length, 28)
  return Buffer.concat([header, name, extra])
}

function zipCentralHeader(entry: ZipEntry, facts: ZipFacts, start: number): Buffer {
  const name = toBuffer(entry.name)
  const extra = entry.extra ?? Buffer.alloc(0)
  const header = Buffer.alloc(46)
  header.write('PK\x01\x02', 0, 'latin1')
  header.writeUInt16LE(((entry.system ?? 3) << 8) | 20, 4)
  header.writeUInt16LE(20, 6)
  header.writeUInt16LE(entry.flags ?? 0, 8)
  header.writeUInt16LE(entry.method ?? 0, 10)
  header.writeUInt32LE(facts.crc, 16)
  header.writeUInt32LE(facts.packedSize, 20)
  header.writeUInt32LE(facts.size, 24)
  header.writeUInt16LE(name.length, 28)
  header.writeUInt16LE(extra.length, 30)
  header.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 38)
  header.writeUInt32LE(start, 42)
  return Buffer.concat([header, name, extra])
}

async function* toStreamChunks(body: string) {
  yield Buffer.from(body)
}

const toStream = (body: string): NodeJS.ReadableStream => Readable.from(toStreamChunks(body))

/** The local header before each entry of a zip, held against what the central directory says of it. */
import { UnreadableArchive } from './archive-entry.ts'
import type { CentralEntry } from './zip-central.ts'
import type { ZipSource } from './zip-source.ts'

export interface LocalEntry {
  dataStart: number
  /** The end of all that belongs to the entry, its data descriptor included. */
  end: number
  /** In what the two headers disagree, as a continuation of "the entry ... ". */
  fault: string | undefined
}

const headerBytes = 30

/** Extra fields, and the size that says that it is told in one. */
const zip64Sizes = 1
const unicodePath = 0x7075
const notHere = 0xffffffff

/** Encrypted, data descriptor, patched, strong encryption, UTF-8, masked: flags that change how an entry is read. */
const flagsThatMatter = 0b0010_1000_0110_1001
const hasDescriptor = (flags: number): boolean => (flags & 8) !== 0

/**
 * Reads the local header and the data descriptor of an entry. `next` is where the next entry, or the central directory,
 * begins. Throws UnreadableArchive where there is no such header.
 */
export async function readZipLocal(
  source: ZipSource,
  entry: CentralEntry,
  next: number
): Promise<LocalEntry> {
  const fixed = await source.readAt(entry.start, headerBytes)
  if (fixed.readUInt32LE(0) !== 0x04034b50) {
    throw new UnreadableArchive('its list of entries points to bytes that are no entry')
  }
  const nameBytes = fixed.readUInt16LE(26)
  const extraBytes = fixed.readUInt16LE(28)
  const rest = await source.readAt(entry.start + headerBytes, nameBytes + extraBytes)
  const dataStart = entry.start + headerBytes + nameBytes + extraBytes
  const dataEnd = dataStart + entry.packedBytes
  const gap = next - dataEnd
  const hasRightDescriptor =
    hasDescriptor(entry.flags) && (await descriptorFits(source, entry, dataEnd, gap))
  return {
    dataStart,
    end: hasRightDescriptor ? next : dataEnd,
    fault:
      headerFault(entry, fixed, rest.subarray(0, nameBytes), rest.subarray(nameBytes)) ??
      (hasDescriptor(entry.flags) && !hasRightDescriptor
        ? 'is followed by no data descriptor that says the same as the list of entries'
        : undefined)
  }
}

function headerFault(
  entry: CentralEntry,
  header: Buffer,
  name: Buffer,
  extra: Buffer
): string | undefined {
  const isSameName =
    name.length === entry.nameBytes &&
    name.subarray(0, entry.rawName.length).equals(entry.rawName) &&
    (findExtra(extra, unicodePath)?.subarray(5).equals(entry.name) ?? true)
  if (!isSameName) {
    return 'has another name in front of its bytes than in the list of entries'
  }
  const flags = header.readUInt16LE(6)
  if ((flags & flagsThatMatter) !== (entry.flags & flagsThatMatter)) {
    return 'has other flags in front of its bytes than in the list of entries'
  }
  if (header.readUInt16LE(8) !== entry.method) {
    return 'has another compression method in front of its bytes than in the list of entries'
  }
  const said = readSizes(header, extra)
  const isLeftToDescriptor = (value: number) =>
    hasDescriptor(flags) && (value === 0 || value === notHere)
  const isSame = (value: number, central: number) => value === central || isLeftToDescriptor(value)
  return isSame(said.crc, entry.crc) &&
    isSame(said.packedBytes, entry.packedBytes) &&
    isSame(said.sizeBytes, entry.sizeBytes)
    ? undefined
    : 'has another size or checksum in front of its bytes than in the list of entries'
}

/** The sizes of a local header, out of its zip64 field where they do not fit (APPNOTE.TXT 4.5.3). */
function readSizes(header: Buffer, extra: Buffer) {
  const crc = header.readUInt32LE(14)
  const packedBytes = header.readUInt32LE(18)
  const sizeBytes = header.readUInt32LE(22)
  const zip64 = findExtra(extra, zip64Sizes)
  if (zip64 === undefined || zip64.length < 16) {
    return { crc, packedBytes, sizeBytes }
  }
  return {
    crc,
    sizeBytes: sizeBytes === notHere ? Number(zip64.readBigUInt64LE(0)) : sizeBytes,
    packedBytes: packedBytes === notHere ? Number(zip64.readBigUInt64LE(8)) : packedBytes
  }
}

function findExtra(extra: Buffer, wanted: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === wanted) {
      return extra.subarray(at + 4, at + 4 + length)
    }
    at += 4 + length
  }
  return undefined
}

/**
 * A data descriptor is crc, packed and unpacked size, of 4 or 8 bytes each, with or without a signature before them
 * (APPNOTE.TXT 4.3.9): it fills what is left up to the next entry exactly.
 */
async function descriptorFits(
  source: ZipSource,
  entry: CentralEntry,
  start: number,
  length: number
): Promise<boolean> {
  if (![12, 16, 20, 24].includes(length)) {
    return false
  }
  const bytes = await source.readAt(start, length)
  const isSigned = length === 16 || length === 24
  const fields = isSigned ? bytes.subarray(4) : bytes
  const isWide = fields.length === 20
  const size = (at: number) =>
    isWide ? Number(fields.readBigUInt64LE(at)) : fields.readUInt32LE(at)
  return (
    (!isSigned || bytes.readUInt32LE(0) === 0x08074b50) &&
    fields.readUInt32LE(0) === entry.crc &&
    size(4) === entry.packedBytes &&
    size(isWide ? 12 : 8) === entry.sizeBytes
  )
}

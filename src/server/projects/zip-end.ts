import { UnreadableArchive } from './archive-entry.ts'
import type { ZipSource } from './zip-source.ts'

/** Where a zip's list of entries, the central directory, lies; what follows it is checked here. */
export interface ZipEnd {
  centralStart: number
  centralBytes: number
  entries: number
}

const endBytes = 22
const maxCommentBytes = 0xffff
const locatorBytes = 20
const zip64EndBytes = 56

/**
 * Reads the end records of a zip (APPNOTE.TXT 4.3.14-4.3.16). Some tools find the central directory by the offset that
 * they tell, others by its size: both must lead to the same place, right before them. Throws UnreadableArchive.
 */
export async function readZipEnd(source: ZipSource): Promise<ZipEnd> {
  const start = await findEnd(source)
  const record = await source.readAt(start, endBytes)
  // 0xffff is what zip64 says instead.
  const disks = [record.readUInt16LE(4), record.readUInt16LE(6)]
  const isWhole = disks.every(disk => disk === 0 || disk === 0xffff)
  if (!isWhole || record.readUInt16LE(8) !== record.readUInt16LE(10)) {
    throw new UnreadableArchive('it is a part of a split zip')
  }
  const plain = {
    centralStart: record.readUInt32LE(16),
    centralBytes: record.readUInt32LE(12),
    entries: record.readUInt16LE(10)
  }
  const zip64Start = start - locatorBytes - zip64EndBytes
  const zip64 = zip64Start < 0 ? undefined : await readZip64End(source, zip64Start)
  const end = zip64 ?? plain
  const recordsStart = zip64 ? zip64Start : start
  const disagrees =
    zip64 &&
    ((plain.centralStart !== 0xffffffff && plain.centralStart !== zip64.centralStart) ||
      (plain.centralBytes !== 0xffffffff && plain.centralBytes !== zip64.centralBytes) ||
      (plain.entries !== 0xffff && plain.entries !== zip64.entries))
  if (disagrees || end.centralStart + end.centralBytes !== recordsStart) {
    throw new UnreadableArchive('its end records do not agree on where the list of entries lies')
  }
  return end
}

/** The end record is the last thing in the file but for a comment that fills the rest exactly. */
async function findEnd(source: ZipSource): Promise<number> {
  const tailBytes = Math.min(source.sizeBytes, endBytes + maxCommentBytes)
  const tailStart = source.sizeBytes - tailBytes
  const tail = await source.readAt(tailStart, tailBytes)
  const at = tail.lastIndexOf('PK\x05\x06', Math.max(tailBytes - endBytes, 0), 'latin1')
  if (at < 0 || tailBytes < endBytes) {
    throw new UnreadableArchive('it has no end record: it is cut short')
  }
  if (at + endBytes + tail.readUInt16LE(at + 20) !== tailBytes) {
    throw new UnreadableArchive('there are bytes after its end record')
  }
  return tailStart + at
}

async function readZip64End(source: ZipSource, start: number): Promise<ZipEnd | undefined> {
  const bytes = await source.readAt(start, zip64EndBytes + locatorBytes)
  const locator = bytes.subarray(zip64EndBytes)
  if (locator.readUInt32LE(0) !== 0x07064b50) {
    return undefined
  }
  if (bytes.readUInt32LE(0) !== 0x06064b50 || locator.readBigUInt64LE(8) !== BigInt(start)) {
    throw new UnreadableArchive('its zip64 end record is not where it should be')
  }
  const isWhole =
    locator.readUInt32LE(4) === 0 &&
    locator.readUInt32LE(16) <= 1 &&
    bytes.readUInt32LE(16) === 0 &&
    bytes.readUInt32LE(20) === 0 &&
    bytes.readBigUInt64LE(24) === bytes.readBigUInt64LE(32)
  if (!isWhole || bytes.readBigUInt64LE(4) !== BigInt(zip64EndBytes - 12)) {
    throw new UnreadableArchive('it is a part of a split zip')
  }
  return {
    entries: Number(bytes.readBigUInt64LE(32)),
    centralBytes: Number(bytes.readBigUInt64LE(40)),
    centralStart: Number(bytes.readBigUInt64LE(48))
  }
}

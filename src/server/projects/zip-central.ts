import { crc32 } from 'node:zlib'
import { type Entry, fromRandomAccessReaderPromise } from 'yauzl'
import { ProjectTooLarge } from '../errors.ts'
import { UnreadableArchive } from './archive-entry.ts'
import { plural } from './plural.ts'
import type { ZipEnd } from './zip-end.ts'
import type { ZipSource } from './zip-source.ts'

/** An entry as the central directory has it. */
export interface CentralEntry {
  /** At most 4 KiB of it. */
  rawName: Buffer
  nameBytes: number
  /** The raw name, or the UTF-8 one that an extra field gives for it. */
  name: Buffer
  flags: number
  method: number
  crc: number
  packedBytes: number
  sizeBytes: number
  /** Unix mode; 0 where the packer knew none. */
  mode: number
  /** Where its local header begins. */
  start: number
}

/** Longer names are faults anyway: what is kept of them is enough to show. */
const maxNameBytes = 4096

/** The entries in the order of their bytes in the file. Throws UnreadableArchive, PROJECT_TOO_LARGE beyond `limit`. */
export async function readZipCentral(
  source: ZipSource,
  end: ZipEnd,
  limit: number
): Promise<CentralEntry[]> {
  const entries: CentralEntry[] = []
  let bytes = 0
  for await (const entry of readEntries(source)) {
    if (entries.length >= limit) {
      throw new ProjectTooLarge(
        `The archive holds more than ${plural(limit, 'entry', 'entries')}, which is too many for this service.`
      )
    }
    bytes += 46 + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
    entries.push(toCentralEntry(entry))
  }
  if (entries.length !== end.entries || bytes !== end.centralBytes) {
    throw new UnreadableArchive(
      'its end record and its list of entries disagree on how many there are'
    )
  }
  return entries.sort((a, b) => a.start - b.start)
}

/** yauzl's own words for what is wrong with the directory are good enough. */
async function* readEntries(source: ZipSource): AsyncGenerator<Entry> {
  try {
    const options = {
      lazyEntries: true,
      decodeStrings: false,
      validateEntrySizes: false,
      autoClose: false
    }
    const zip = await fromRandomAccessReaderPromise(source, source.sizeBytes, options)
    yield* zip.eachEntry()
  } catch (error) {
    if (error instanceof Error && !('code' in error) && !(error instanceof UnreadableArchive)) {
      throw new UnreadableArchive(`its list of entries is damaged (${error.message})`)
    }
    throw error
  }
}

function toCentralEntry(entry: Entry): CentralEntry {
  const rawName = Buffer.from(entry.fileNameRaw.subarray(0, maxNameBytes))
  return {
    rawName,
    nameBytes: entry.fileNameLength,
    name: unicodeName(entry) ?? rawName,
    flags: entry.generalPurposeBitFlag,
    method: entry.compressionMethod,
    crc: entry.crc32,
    packedBytes: entry.compressedSize,
    sizeBytes: entry.uncompressedSize,
    mode: entry.externalFileAttributes >>> 16,
    start: entry.relativeOffsetOfLocalHeader
  }
}

/** Info-ZIP's Unicode path (APPNOTE.TXT 4.6.9) counts where it belongs to the name beside it. */
function unicodeName(entry: Entry): Buffer | undefined {
  const data = entry.extraFields.find(field => field.id === 0x7075)?.data
  const counts =
    data !== undefined &&
    data.length > 5 &&
    data[0] === 1 &&
    data.readUInt32LE(1) === crc32(entry.fileNameRaw)
  return counts ? Buffer.from(data.subarray(5, 5 + maxNameBytes)) : undefined
}

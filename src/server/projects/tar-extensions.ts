/** What comes before an entry and changes how its header is read: GNU's long names and PAX headers. */
import { UnreadableArchive } from './archive-entry.ts'
import { readPaxRecords } from './pax-records.ts'
import { type TarHeader, untilLastByte } from './tar-header.ts'

/** The largest size that a header can say in octal digits. */
const maxOctalSize = 0o77777777777

export interface Overrides {
  name: Buffer
  linkName: Buffer
  sizeBytes: number
  /** What is wrong with the overrides, as a continuation of "the entry ... ". */
  fault: string | undefined
  /** The extensions for the next entry. */
  next: TarExtensions
}

export interface TarExtensions {
  add(type: string, data: Buffer): void
  /** Applies them to the header that follows. */
  take(header: TarHeader): Overrides
  /** The end of the tar: throws if there is an extension that belongs to no entry. */
  end(): void
}

export const isExtension = (type: string): boolean => /^[LKxg]$/.test(type)

/** PAX keys by which a file is less than what is written of it. */
const sparseKey = /^(GNU\.sparse\.|SCHILY\.realsize$|SUN\.holesdata$)/

export function createTarExtensions(): TarExtensions {
  const found = new Map<string, Buffer>()
  let fault: string | undefined

  return {
    add(type, data) {
      if (type === 'g') {
        fault ??= globalFault(readPaxRecords(data))
        return
      }
      if (found.has(type)) {
        throw new UnreadableArchive('two extended headers of one kind come before one entry')
      }
      found.set(type, data)
    },
    take(header) {
      const records = readPaxRecords(found.get('x') ?? Buffer.alloc(0))
      const long = found.get('L')
      const path = records.get('path')
      const size = readSize(records.get('size'), header.sizeBytes)
      const isSparse = [...records.keys()].some(key => sparseKey.test(key))
      return {
        name: path ?? untilLastByte(long ?? header.name),
        linkName: records.get('linkpath') ?? untilLastByte(found.get('K') ?? header.linkName),
        sizeBytes: size,
        fault:
          fault ??
          (long && path ? 'has a GNU and a PAX name; tools take different ones' : undefined) ??
          (isSparse ? 'is a sparse file; pack it without the option --sparse' : undefined),
        next: createTarExtensions()
      }
    },
    end() {
      if (found.size > 0) {
        throw new UnreadableArchive('an extended header belongs to no entry')
      }
    }
  }
}

/** A header for all that follows may hold comments and times; one that names or sizes every entry is a trick. */
function globalFault(records: Map<string, Buffer>): string | undefined {
  const key = [...records.keys()].find(
    name => ['path', 'linkpath', 'size'].includes(name) || sparseKey.test(name)
  )
  return key === undefined
    ? undefined
    : `comes after a global header that says what "${key}" is for every entry; tools read it differently`
}

/** The size of a PAX header counts; it must say the same as the entry's own, which can say 8 GiB at most. */
function readSize(record: Buffer | undefined, headerSize: number): number {
  if (record === undefined) {
    return headerSize
  }
  const text = record.toString('latin1')
  const size = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(size)) {
    throw new UnreadableArchive('an extended header has a size that is no number of bytes')
  }
  if (size !== headerSize && size <= maxOctalSize) {
    throw new UnreadableArchive(
      `an extended header says that ${size} bytes follow, and the entry's own header says ${headerSize}`
    )
  }
  return size
}

import { type ArchiveEntry, UnreadableArchive } from './archive-entry.ts'
import { type ByteReader, createByteReader } from './byte-reader.ts'
import { displayName } from './display-name.ts'
import { createTarExtensions, isExtension, type Overrides } from './tar-extensions.ts'
import { isZero, readTarHeader, type TarHeader, tarBlockBytes } from './tar-header.ts'

/** Bytes of extended headers before one entry; a path needs a few hundred. */
const maxExtensionBytes = 2 ** 20

/** Zeros after the end mark: tools fill up to a record, whose size is a matter of options. */
const maxTrailingBytes = 64 * 2 ** 20

const specials: Record<string, (linkName: Buffer) => string> = {
  1: linkName => `a hard link to ${displayName(linkName)}`,
  2: linkName => `a symbolic link to ${displayName(linkName)}`,
  3: () => 'a character device',
  4: () => 'a block device',
  6: () => 'a named pipe',
  S: () => 'a sparse file; pack it without the option --sparse',
  V: () => 'a volume label; pack without the option --label',
  M: () => 'a part of a file that began in another volume'
}

/**
 * The entries of a tar, read in one pass: ustar, GNU (long names) and PAX. `spend` is told the size of each entry
 * before it is read. Throws UnreadableArchive where it cannot be known what comes next.
 */
export async function* readTar(
  chunks: AsyncIterable<Buffer>,
  spend: (bytes: number) => void
): AsyncGenerator<ArchiveEntry> {
  const reader = createByteReader(chunks)
  try {
    yield* readEntries(reader, spend)
  } finally {
    await reader.close()
  }
}

async function* readEntries(
  reader: ByteReader,
  spend: (bytes: number) => void
): AsyncGenerator<ArchiveEntry> {
  let extensions = createTarExtensions()
  let extensionBytes = 0
  for (;;) {
    const block = await reader.read(tarBlockBytes)
    if (block.length < tarBlockBytes) {
      throw new UnreadableArchive('it is cut short there: a tar ends with blocks of zeros')
    }
    if (isZero(block)) {
      extensions.end()
      return await readTrailer(reader)
    }
    const header = readTarHeader(block)
    if (isExtension(header.type)) {
      extensionBytes += header.sizeBytes
      if (extensionBytes > maxExtensionBytes) {
        throw new UnreadableArchive(`an entry has more than ${maxExtensionBytes} bytes of headers`)
      }
      spend(header.sizeBytes)
      extensions.add(header.type, await readPadded(reader, header.sizeBytes))
      continue
    }
    const overrides = extensions.take(header)
    extensions = overrides.next
    extensionBytes = 0
    yield* readEntry(reader, header, overrides, spend)
  }
}

async function* readEntry(
  reader: ByteReader,
  header: TarHeader,
  overrides: Overrides,
  spend: (bytes: number) => void
): AsyncGenerator<ArchiveEntry> {
  spend(overrides.sizeBytes)
  let left = overrides.sizeBytes
  async function* body(): AsyncGenerator<Buffer> {
    while (left > 0) {
      const part = await reader.next(left)
      left -= part.length
      yield part
    }
  }
  const entry = toEntry(header, overrides, body())
  yield entry
  if (left > 0 && hasNoBody(entry, header)) {
    throw new UnreadableArchive(
      `it says that ${left} bytes follow, which belong to no entry of its kind`
    )
  }
  while (left > 0) {
    left -= (await reader.next(left)).length
  }
  await skipPadding(reader, overrides.sizeBytes)
}

/** Links, devices and folders have no bytes after them; what is of an unknown kind has, like a file. */
const hasNoBody = (entry: ArchiveEntry, header: TarHeader): boolean =>
  entry.kind === 'folder' || /^[1-6S]$/.test(header.type)

function toEntry(
  header: TarHeader,
  overrides: Overrides,
  body: AsyncIterable<Buffer>
): ArchiveEntry {
  const { name, sizeBytes } = overrides
  const endsWithSlash = name.at(-1) === 0x2f
  const isFolder = header.type === '5' || (header.old && endsWithSlash)
  const isFile = !isFolder && /^[07]$/.test(header.type)
  const what = isFolder || isFile ? undefined : specialKind(header, overrides.linkName)
  const fault =
    overrides.fault ??
    (header.strayPrefix
      ? 'has a header with fields that tools read differently (an incremental backup?)'
      : undefined) ??
    (isFile && endsWithSlash ? 'is a file with "/" at the end of its name' : undefined)
  return {
    name,
    kind: isFolder ? 'folder' : isFile ? 'file' : 'special',
    sizeBytes,
    executable: (header.mode & 0o100) !== 0,
    ...(what === undefined ? {} : { what }),
    ...(fault === undefined ? {} : { fault }),
    body
  }
}

const specialKind = (header: TarHeader, linkName: Buffer): string =>
  specials[header.type]?.(linkName) ?? `an entry of the unknown type ${displayName(header.type)}`

async function readPadded(reader: ByteReader, length: number): Promise<Buffer> {
  const data = await reader.read(length)
  if (data.length < length) {
    throw new UnreadableArchive('it is cut short there')
  }
  await skipPadding(reader, length)
  return data
}

async function skipPadding(reader: ByteReader, length: number): Promise<void> {
  const padding = -length & (tarBlockBytes - 1)
  if ((await reader.read(padding)).length < padding) {
    throw new UnreadableArchive('it is cut short there')
  }
}

/** Some tools read on after the end mark and others do not: nothing may be there. */
async function readTrailer(reader: ByteReader): Promise<void> {
  const step = 2 ** 16
  for (let total = 0; ; total += step) {
    const bytes = await reader.read(step)
    if (!isZero(bytes)) {
      throw new UnreadableArchive('there are bytes after the end mark of the tar')
    }
    if (bytes.length < step) {
      return
    }
    if (total > maxTrailingBytes) {
      throw new UnreadableArchive('more than 64 MiB of zeros follow the end mark of the tar')
    }
  }
}

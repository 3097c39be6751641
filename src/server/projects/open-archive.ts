import { ProjectTooLarge } from '../errors.ts'
import type { ArchiveEntry } from './archive-entry.ts'
import { notAnArchive, readArchiveFormat } from './archive-format.ts'
import { describeBytes } from './describe-bytes.ts'
import { plural } from './plural.ts'
import { legalUnpackedBytes, type ProjectLimits } from './project-limits.ts'
import { readChunks, readGzip } from './read-chunks.ts'
import { readTar } from './read-tar.ts'
import { readZip } from './read-zip.ts'
import type { SpooledFile } from './spool-upload.ts'
import { looksLikeTar, tarBlockBytes } from './tar-header.ts'

/**
 * The entries of an archive, told by its bytes: tar.gz, tar or zip. Throws NOT_AN_ARCHIVE, UnreadableArchive, and
 * PROJECT_TOO_LARGE as soon as more is said to be in it, or comes out of it, than is legal.
 */
export async function* openArchive(
  file: SpooledFile,
  limits: ProjectLimits
): AsyncGenerator<ArchiveEntry> {
  const format = await readArchiveFormat(file.path)
  const declared = createBudget(file, limits)
  if (format === 'zip') {
    yield* readZip(file, 2 * limits.files, declared)
  } else if (format === 'gzip') {
    yield* readTar(withTarFirst(readGzip(file, createRatioBudget(limits))), declared)
  } else {
    yield* readTar(readChunks(file.path), declared)
  }
}

/** Counts what entries say that they hold: the whole, and its ratio to the archive. */
function createBudget(file: SpooledFile, limits: ProjectLimits): (bytes: number) => void {
  const spend = createRatioBudget(limits)
  let total = 0
  return bytes => {
    total += bytes
    if (total > limits.unpackedBytes) {
      throw new ProjectTooLarge(
        `The archive unpacks to more than ${plural(limits.unpackedBytes, 'byte', 'bytes')}, the limit of this service.`
      )
    }
    spend(bytes, file.sizeBytes)
  }
}

/** Against what was read so far, not the whole archive: a bomb is to end at its beginning, however long it is. */
function createRatioBudget(limits: ProjectLimits): (bytes: number, packedBytes: number) => void {
  let total = 0
  return (bytes, packedBytes) => {
    total += bytes
    if (total > legalUnpackedBytes(packedBytes, limits)) {
      throw new ProjectTooLarge(
        `The archive unpacks to more than ${limits.ratio} times its size, the limit of this service.`
      )
    }
  }
}

/** Hands the bytes on if they begin as a tar does. */
async function* withTarFirst(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length >= tarBlockBytes) {
      checkFirstBlock(head)
      yield head
      head = undefined
    }
  }
  if (head !== undefined) {
    checkFirstBlock(head)
  }
}

function checkFirstBlock(head: Buffer): void {
  const block = head.subarray(0, tarBlockBytes)
  if (!looksLikeTar(block)) {
    throw notAnArchive(`a gzip that holds no tar but ${describeBytes(block)}`)
  }
}

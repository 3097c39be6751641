import { ProjectTooLarge } from '../errors.ts'
import type { ArchiveEntry } from './archive-entry.ts'
import { notAnArchive, readArchiveFormat } from './archive-format.ts'
import { describeBytes } from './describe-bytes.ts'
import { plural } from './plural.ts'
import { legalUnpackedBytes, type ProjectLimits } from './project-limits.ts'
import { readChunks, readGzip } from './read-chunks.ts'
import { readTar } from './read-tar.ts'
import { readZip } from './read-zip.ts'
import { looksLikeTar, tarBlockBytes } from './tar-header.ts'
import type { SpooledFile } from './write-spool.ts'

/**
 * The entries of an archive, told by its bytes: tar.gz, tar or zip. Throws NOT_AN_ARCHIVE, UnreadableArchive, and
 * PROJECT_TOO_LARGE as soon as more is said to be in it, or comes out of it, than is legal.
 */
export async function* openArchive(
  file: SpooledFile,
  limits: ProjectLimits
): AsyncGenerator<ArchiveEntry> {
  const format = await readArchiveFormat(file.path)
  const budget = createBudget(limits)
  const declared = (bytes: number) => {
    budget.spend(bytes)
    budget.check(file.sizeBytes)
  }
  if (format === 'zip') {
    yield* readZip(file, 2 * limits.files, declared)
  } else {
    yield* openTar(format, readChunks(file.path), limits, declared)
  }
}

/** The entries of a tar or tar.gz as its bytes come; likewise. `declared` is told the size of each entry before it is read. */
export const openTar = (
  format: 'gzip' | 'tar',
  chunks: AsyncIterable<Buffer>,
  limits: ProjectLimits,
  declared: (bytes: number) => void
): AsyncGenerator<ArchiveEntry> =>
  format === 'gzip'
    ? readTar(withTarFirst(readGzip(chunks, createRatioBudget(limits))), declared)
    : readTar(chunks, declared)

/** Counts what entries say that they hold: the whole, and its ratio to the archive. */
export function createBudget(limits: ProjectLimits) {
  let total = 0
  return {
    spend(bytes: number): void {
      total += bytes
      if (total > limits.unpackedBytes) {
        throw new ProjectTooLarge(
          `The archive unpacks to more than ${plural(limits.unpackedBytes, 'byte', 'bytes')}, the limit of this service.`
        )
      }
    },
    /** Against the size of the whole archive. */
    check: (packedBytes: number): void => checkRatio(total, packedBytes, limits)
  }
}

/** Against what was read so far, not the whole archive: a bomb is to end at its beginning, however long it is. */
function createRatioBudget(limits: ProjectLimits): (bytes: number, packedBytes: number) => void {
  let total = 0
  return (bytes, packedBytes) => {
    total += bytes
    checkRatio(total, packedBytes, limits)
  }
}

function checkRatio(bytes: number, packedBytes: number, limits: ProjectLimits): void {
  if (bytes > legalUnpackedBytes(packedBytes, limits)) {
    throw new ProjectTooLarge(
      `The archive unpacks to more than ${limits.ratio} times its size, the limit of this service.`
    )
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

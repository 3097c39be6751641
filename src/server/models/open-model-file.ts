/** One file out of model.tar.gz, as a stream. */
import { Readable } from 'node:stream'
import type { ModelFile } from '../../contract/run-report.ts'
import { readTarGz, UnreadableArchive } from '../projects/index.ts'
import { type ByteRange, checkedBytes } from './checked-bytes.ts'
import { explainReadError } from './explain-read-error.ts'
import { findFault, pathOf } from './find-fault.ts'

/**
 * Reads the archive up to the file's first bytes, so that what is wrong until then is thrown here: MODEL_UNREADABLE, or
 * STORAGE_UNAVAILABLE. What is wrong later destroys the stream that is answered. The archive's stream is destroyed when
 * the last byte was read.
 */
export async function openModelFile(
  archive: Readable,
  file: ModelFile,
  range: ByteRange = { start: 0, end: file.sizeBytes - 1 }
): Promise<Readable> {
  const chunks = readFile(archive, file, range)
  const first = await chunks.next().catch(error => {
    throw explainReadError(error, file.path)
  })
  return Readable.from(first.done ? [] : withFirst(first.value, chunks), { objectMode: false })
}

async function* readFile(
  archive: Readable,
  file: ModelFile,
  range: ByteRange
): AsyncGenerator<Buffer> {
  for await (const entry of readTarGz(archive)) {
    if (pathOf(entry) !== file.path) continue
    const fault = findFault(entry, file)
    if (fault) throw new UnreadableArchive(fault)
    return yield* checkedBytes(entry.body, file, range)
  }
  throw new UnreadableArchive('it is not there')
}

async function* withFirst(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  yield* rest
}

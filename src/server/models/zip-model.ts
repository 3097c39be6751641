/** A model.tar.gz as a zip, made while it is sent. */
import { PassThrough, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import type { ModelFile } from '../../contract/run-report.ts'
import { type ArchiveEntry, readTarGz, UnreadableArchive } from '../projects/index.ts'
import { checkedBytes } from './checked-bytes.ts'
import { explainReadError } from './explain-read-error.ts'
import { findFault, pathOf } from './find-fault.ts'

/**
 * Holds exactly the listed files, or breaks off: a zip has its list of files at the end, so one that was broken off opens
 * nowhere. What is wrong with the archive's first entry is thrown here: MODEL_UNREADABLE, or STORAGE_UNAVAILABLE.
 */
export async function zipModel(
  archive: Readable,
  files: readonly ModelFile[],
  { sizeBytes, modifiedAt }: { sizeBytes: number; modifiedAt: Date }
): Promise<Readable> {
  const entries = readTarGz(archive)
  const first = await entries.next().catch(error => {
    throw explainReadError(error, 'The model')
  })
  const zip = new ZipFile()
  const output = new PassThrough()
  const closed = new AbortController()
  output.once('close', () => closed.abort())
  zip.once('error', error => output.destroy(error))
  zip.outputStream.pipe(output)
  const options = {
    mtime: modifiedAt,
    compressionLevel: levelFor(sizeBytes, files),
    signal: closed.signal
  }
  const add = (entry: ArchiveEntry, file: ModelFile) => addFile(zip, entry, file, options)
  fill(first, entries, files, add).then(
    () => zip.end(),
    error => output.destroy(error)
  )
  return output
}

/** What gzip hardly made smaller, as it is with weights, is stored: deflating it again takes time and saves nothing. */
function levelFor(packedBytes: number, files: readonly ModelFile[]): number {
  const bytes = files.reduce((total, file) => total + file.sizeBytes, 0)
  return packedBytes > 0.9 * bytes ? 0 : 1
}

async function fill(
  first: IteratorResult<ArchiveEntry>,
  entries: AsyncGenerator<ArchiveEntry>,
  files: readonly ModelFile[],
  add: (entry: ArchiveEntry, file: ModelFile) => Promise<void>
): Promise<void> {
  const missing = new Map(files.map(file => [file.path, file]))
  try {
    for (let next = first; !next.done && missing.size > 0; next = await entries.next()) {
      const file = missing.get(pathOf(next.value))
      if (!file) continue
      await add(next.value, file)
      missing.delete(file.path)
    }
  } finally {
    await entries.return(undefined)
  }
  if (missing.size > 0)
    throw new UnreadableArchive(`${missing.size} of the listed files are missing`)
}

/** Resolves when the file's bytes have been taken; rejects where they are not what the list says, or nobody takes them. */
async function addFile(
  zip: ZipFile,
  entry: ArchiveEntry,
  file: ModelFile,
  { signal, ...options }: { mtime: Date; compressionLevel: number; signal: AbortSignal }
): Promise<void> {
  const fault = findFault(entry, file)
  if (fault) throw new UnreadableArchive(fault)
  const range = { start: 0, end: file.sizeBytes - 1 }
  let bytes: Readable | undefined = Readable.from(checkedBytes(entry.body, file, range), {
    objectMode: false,
    signal
  })
  const taken = finished(bytes)
  zip.addReadStreamLazy(
    file.path,
    { ...options, size: file.sizeBytes, mode: entry.executable ? 0o100755 : 0o100644 },
    next => bytes && next(null, bytes)
  )
  await taken
  // The zip keeps that function to its end: with the stream in it, memory would grow with the number of files.
  bytes = undefined
}

import { pipeline, type Readable } from 'node:stream'
import { createGunzip, type Gunzip } from 'node:zlib'
import { type ArchiveEntry, UnreadableArchive } from './archive-entry.ts'
import { isZlibError } from './read-chunks.ts'
import { readTar } from './read-tar.ts'

/**
 * The entries of a tar.gz as it comes out of a storage. The stream is destroyed as soon as nobody asks for more; its own
 * errors are passed on as they are. Throws UnreadableArchive where it cannot be known what comes next.
 */
export async function* readTarGz(archive: Readable): AsyncGenerator<ArchiveEntry> {
  const gunzip = createGunzip({ chunkSize: 2 ** 20 })
  // An error of the archive reaches the loop below through gunzip, which the pipeline destroys.
  pipeline(archive, gunzip, () => {})
  yield* readTar(inflated(gunzip), () => {})
}

async function* inflated(gunzip: Gunzip): AsyncGenerator<Buffer> {
  try {
    yield* gunzip as AsyncIterable<Buffer>
  } catch (error) {
    throw isZlibError(error)
      ? new UnreadableArchive(`its gzip is damaged or cut short (${error.message})`)
      : error
  }
}

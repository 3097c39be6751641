import { open } from 'node:fs/promises'
import { NotAnArchive } from '../errors.ts'
import { describeBytes } from './describe-bytes.ts'
import { looksLikeTar, tarBlockBytes } from './tar-header.ts'

export type ArchiveFormat = 'gzip' | 'tar' | 'zip'

/** Tells what an archive is by its first block. Throws NOT_AN_ARCHIVE, which names what the file seems to be. */
export function archiveFormatOf(first: Buffer): ArchiveFormat {
  const magic = first.toString('latin1', 0, 4)
  if (magic.startsWith('\x1f\x8b')) {
    return 'gzip'
  }
  if (magic === 'PK\x03\x04' || magic === 'PK\x05\x06') {
    return 'zip'
  }
  if (looksLikeTar(first)) {
    return 'tar'
  }
  throw notAnArchive(describeBytes(first))
}

/** Of a file, likewise. */
export async function readArchiveFormat(path: string): Promise<ArchiveFormat> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(tarBlockBytes), 0, tarBlockBytes, 0)
  return archiveFormatOf(buffer.subarray(0, bytesRead))
}

export const notAnArchive = (seeming: string): Error =>
  new NotAnArchive(`The project seems to be ${seeming}; send a tar.gz, a tar or a zip.`)

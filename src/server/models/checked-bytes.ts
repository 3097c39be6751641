import { createHash } from 'node:crypto'
import type { ModelFile } from '../../contract/run-report.ts'
import { UnreadableArchive } from '../projects/index.ts'

/** From the first to the last byte, both inclusive. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * A range of a file's bytes. The last chunk of the file is handed out when the whole file has proved to have the listed
 * SHA-256: so other bytes never look whole. Of a range that ends before the file does, this is not known.
 */
export async function* checkedBytes(
  body: AsyncIterable<Buffer>,
  file: ModelFile,
  { start, end }: ByteRange
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  const toTheEnd = end >= file.sizeBytes - 1
  let position = 0
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of body) {
    if (held.length > 0) yield held
    if (toTheEnd) hash.update(chunk)
    held = chunk.subarray(Math.max(0, start - position), Math.max(0, end + 1 - position))
    position += chunk.length
    if (position > end) break
  }
  if (toTheEnd && hash.digest('hex') !== file.sha256)
    throw new UnreadableArchive('its bytes there do not have the SHA-256 of the run report')
  if (held.length > 0) yield held
}

/** One file's text out of a stream of tar.gz. */
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Parser } from 'tar'

/** undefined where the archive holds no such file; fails where it is larger than the limit or broken. */
export async function readArchiveFile(
  archive: Readable,
  name: string,
  limitBytes: number
): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let found = false
  let sizeBytes = 0
  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      if (entry.path.replace(/^\.\//, '') !== name) return entry.resume()
      found = true
      entry.on('data', chunk => {
        sizeBytes += chunk.length
        if (sizeBytes <= limitBytes) chunks.push(chunk)
      })
    }
  })
  const done = new Promise<void>((resolve, reject) => {
    parser.once('end', resolve)
    parser.once('error', reject)
  })
  await pipeline(archive, createGunzip({ chunkSize: 1024 * 1024 }), async chunks => {
    for await (const chunk of chunks) if (!parser.write(chunk)) await drained(parser)
    parser.end()
  })
  await done
  if (sizeBytes > limitBytes) throw new Error(`${name} is larger than ${limitBytes} bytes`)
  return found ? Buffer.concat(chunks).toString('utf8') : undefined
}

const drained = (parser: Parser) =>
  new Promise<void>(resolve => {
    parser.once('drain', () => resolve())
  })

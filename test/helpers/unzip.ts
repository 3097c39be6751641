/** A zip's files as another reader than ours sees them. */
import { buffer } from 'node:stream/consumers'
import { fromBufferPromise } from 'yauzl'

export async function unzip(bytes: Buffer): Promise<Map<string, { bytes: Buffer; mode: number }>> {
  const files = new Map<string, { bytes: Buffer; mode: number }>()
  const zip = await fromBufferPromise(bytes)
  for await (const entry of zip.eachEntry()) {
    const stream = await zip.openReadStreamPromise(entry)
    files.set(entry.fileName, {
      bytes: await buffer(stream),
      mode: entry.externalFileAttributes >>> 16
    })
  }
  return files
}

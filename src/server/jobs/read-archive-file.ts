/** One file's text out of a stream of tar.gz. */
import type { Readable } from 'node:stream'
import { readTarGz } from '../projects/index.ts'

/** undefined where the archive holds no such file; fails where it is larger than the limit or broken. */
export async function readArchiveFile(
  archive: Readable,
  name: string,
  limitBytes: number
): Promise<string | undefined> {
  for await (const entry of readTarGz(archive)) {
    if (entry.kind !== 'file' || entry.name.toString().replace(/^\.\//, '') !== name) continue
    if (entry.sizeBytes > limitBytes) throw new Error(`${name} is larger than ${limitBytes} bytes`)
    const chunks = await Array.fromAsync(entry.body)
    return Buffer.concat(chunks).toString()
  }
  return undefined
}

/** A file that grows, as a log: one handle, so that it can be read to its end when it is moved meanwhile. */
import { open } from 'node:fs/promises'
import type { LogSource } from './index.ts'

/** undefined where there is no such file. */
export async function openLogFile(file: string): Promise<LogSource | undefined> {
  const handle = await open(file).catch(error => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (!handle) return undefined
  const sizeBytes = async () => (await handle.stat()).size
  return {
    sizeBytes,
    async read(offset, limit) {
      const length = Math.max(0, Math.min(limit, (await sizeBytes()) - offset))
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset)
      return buffer.subarray(0, bytesRead)
    },
    close: () => handle.close()
  }
}

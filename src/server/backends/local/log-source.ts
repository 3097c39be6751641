/** A file that grows, as a log. */
import { open } from 'node:fs/promises'
import type { LogSource } from '../index.ts'

export function logSource(file: string): LogSource {
  return {
    async sizeBytes() {
      const handle = await open(file)
      try {
        return (await handle.stat()).size
      } finally {
        await handle.close()
      }
    },
    async read(offset, limit) {
      const handle = await open(file)
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(limit), 0, limit, offset)
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    }
  }
}

import { UnreadableArchive } from './archive-entry.ts'
import { joinBuffers } from './join-buffers.ts'

export interface ByteReader {
  /** As many bytes as asked for; fewer only where the bytes end. */
  read(length: number): Promise<Buffer>
  /** What is at hand, at least one byte and at most `length`; throws UnreadableArchive where the bytes end. */
  next(length: number): Promise<Buffer>
  /** Ends the chunks, and with them the file that they come from. */
  close(): Promise<void>
}

/** Reads lengths out of chunks as they come. */
export function createByteReader(chunks: AsyncIterable<Buffer>): ByteReader {
  const iterator = chunks[Symbol.asyncIterator]()
  let current: Buffer = Buffer.alloc(0)

  async function fill(): Promise<boolean> {
    while (current.length === 0) {
      const { done, value } = await iterator.next()
      if (done) {
        return false
      }
      current = value
    }
    return true
  }

  function take(length: number): Buffer {
    const taken = current.subarray(0, length)
    current = current.subarray(taken.length)
    return taken
  }

  return {
    async read(length) {
      const parts: Buffer[] = []
      let missing = length
      while (missing > 0 && (await fill())) {
        const part = take(missing)
        missing -= part.length
        parts.push(part)
      }
      return joinBuffers(parts)
    },
    async next(length) {
      if (!(await fill())) {
        throw new UnreadableArchive('it is cut short there')
      }
      return take(length)
    },
    async close() {
      await iterator.return?.()
    }
  }
}

import { addAbortSignal, type Readable } from 'node:stream'
import { UploadTooLarge } from '../errors.ts'

export interface UploadSource {
  /** So many bytes from the beginning, fewer only where there are no more; they are read again afterwards. */
  peek(length: number): Promise<Buffer>
  /** What has not been read yet. Who stops before the end leaves the rest to the next who asks. */
  rest(): AsyncGenerator<Buffer>
  /** Ends it before its end; of a request, so that it can still be answered. */
  close(): Promise<void>
  /** How many bytes have come so far. */
  sizeBytes(): number
}

/**
 * The bytes of an upload, for several readers one after the other. They throw UPLOAD_TOO_LARGE as soon as more than
 * `limitBytes` have come, or when the stream says of itself that it was cut (`truncated`, as the multipart parser does at
 * its own limit).
 */
export function createUploadSource(
  stream: Readable,
  limitBytes: number,
  signal?: AbortSignal
): UploadSource {
  // A stream that fails while nobody reads must not end the process; who reads next meets the error.
  stream.on('error', () => {})
  if (signal) {
    addAbortSignal(signal, stream)
  }
  const iterator: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]()
  const ahead: Buffer[] = []
  let sizeBytes = 0

  async function pull(): Promise<Buffer | undefined> {
    const { done, value } = await iterator.next()
    sizeBytes += done ? 0 : value.length
    if (sizeBytes > limitBytes || (done && 'truncated' in stream && stream.truncated === true)) {
      throw new UploadTooLarge(limitBytes)
    }
    return done ? undefined : value
  }

  return {
    sizeBytes: () => sizeBytes,

    async peek(length) {
      while (sizeBytes < length) {
        const chunk = await pull()
        if (chunk === undefined) {
          break
        }
        ahead.push(chunk)
      }
      return Buffer.concat(ahead).subarray(0, length)
    },

    async close() {
      // Node parts a request from its socket here, which `destroy` alone would end with it. It does nothing before the first read.
      await iterator.return?.()
      stream.destroy()
    },

    async *rest() {
      for (;;) {
        const chunk = ahead.shift() ?? (await pull())
        if (chunk === undefined) {
          return
        }
        yield chunk
      }
    }
  }
}

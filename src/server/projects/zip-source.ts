import type { FileHandle } from 'node:fs/promises'
import { RandomAccessReader } from 'yauzl'
import { UnreadableArchive } from './archive-entry.ts'
import { joinBuffers } from './join-buffers.ts'

const windowBytes = 2 ** 20

/**
 * A file read through a window of 1 MiB: the many small reads of a zip, in order, cost few system calls.
 * It is what yauzl reads from, too.
 */
export class ZipSource extends RandomAccessReader {
  readonly sizeBytes: number
  readonly #file: FileHandle
  #window: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(file: FileHandle, sizeBytes: number) {
    super()
    this.#file = file
    this.sizeBytes = sizeBytes
  }

  /** Exactly so many bytes; throws UnreadableArchive where the file has no such place. */
  async readAt(position: number, length: number): Promise<Buffer> {
    if (position < 0 || position + length > this.sizeBytes) {
      throw new UnreadableArchive('it points to bytes beyond the end of the file')
    }
    const parts: Buffer[] = []
    for (let at = position; at < position + length; ) {
      const part = await this.#at(at, position + length - at)
      parts.push(part)
      at += part.length
    }
    return joinBuffers(parts)
  }

  async *range(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const part = await this.#at(at, end - at)
      at += part.length
      yield part
    }
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void
  ): void {
    this.readAt(position, length).then(bytes => {
      bytes.copy(buffer, offset)
      callback(null)
    }, callback)
  }

  /** From the position on, at most so many bytes: what the window holds. */
  async #at(position: number, length: number): Promise<Buffer> {
    const isInside = position >= this.#start && position < this.#start + this.#window.length
    if (!isInside) {
      const { buffer, bytesRead } = await this.#file.read(
        Buffer.allocUnsafe(windowBytes),
        0,
        windowBytes,
        position
      )
      if (bytesRead === 0) {
        throw new UnreadableArchive('it points to bytes beyond the end of the file')
      }
      this.#window = buffer.subarray(0, bytesRead)
      this.#start = position
    }
    return this.#window.subarray(position - this.#start, position - this.#start + length)
  }
}

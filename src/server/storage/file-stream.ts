/** A file as a stream that is cheap to send. */
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'

const pieceBytes = 1024 * 1024
/** One is written while the other is filled. */
const bufferBytes = pieceBytes / 2

/** The bytes from `start` to `end`, both inclusive. */
export async function openFileStream(
  path: string,
  { start = 0, end = Number.POSITIVE_INFINITY }: { start?: number; end?: number }
): Promise<Readable> {
  if (end < start) throw new RangeError(`The range ends at ${end}, before its start at ${start}.`)
  return new FileStream(await open(path), start, end + 1)
}

/**
 * Piped to where bytes end, such as an answer, it fills two buffers in turn, each again when its bytes are written: new
 * memory for each piece would take as long as reading it. Whoever else reads gets pieces that stay as they are: so does a
 * transform, which may hand on the piece itself.
 */
class FileStream extends Readable {
  readonly #file: FileHandle
  readonly #end: number
  #position: number
  #reading: Promise<Buffer> | undefined

  constructor(file: FileHandle, position: number, end: number) {
    super({ highWaterMark: pieceBytes })
    this.#file = file
    this.#position = position
    this.#end = end
  }

  override _read(): void {
    this.#next(Buffer.allocUnsafeSlow(pieceBytes)).then(
      piece => this.push(piece.length > 0 ? piece : null),
      error => this.destroy(error)
    )
  }

  override pipe<Destination extends NodeJS.WritableStream>(
    destination: Destination,
    options: { end?: boolean } = {}
  ): Destination {
    if ('read' in destination || this.#reading) return super.pipe(destination, options)
    this.#writeTo(destination, options.end ?? true).catch(error => this.destroy(error))
    return destination
  }

  async #writeTo(destination: NodeJS.WritableStream, end: boolean): Promise<void> {
    let [free, busy] = [Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes)]
    let written = Promise.resolve(true)
    for (;;) {
      const piece = await this.#next(free)
      // What is wrong with the destination it tells by itself.
      if (!(await written)) return void this.destroy()
      if (piece.length === 0) break
      written = write(destination, piece)
      ;[free, busy] = [busy, free]
    }
    if (end) destination.end()
    this.push(null)
    this.resume()
  }

  /** Fills the buffer, or a part of it; an empty piece is the end. */
  async #next(buffer: Buffer): Promise<Buffer> {
    const length = Math.min(buffer.length, this.#end - this.#position)
    this.#reading = this.#file
      .read(buffer, 0, length, this.#position)
      .then(({ bytesRead }) => buffer.subarray(0, bytesRead))
    const piece = await this.#reading
    this.#position += piece.length
    return piece
  }

  override async _destroy(error: Error | null, done: (error?: Error | null) => void) {
    await this.#reading?.catch(() => {})
    await this.#file.close().catch(() => {})
    done(error)
  }
}

/** Whether it was. */
const write = (destination: NodeJS.WritableStream, piece: Buffer) =>
  new Promise<boolean>(resolve => destination.write(piece, error => resolve(!error)))

import { promisify } from 'node:util'
import { constants, crc32, deflateRaw as deflateRawWithCallback } from 'node:zlib'
import { joinBuffers } from './join-buffers.ts'

const deflateRaw = promisify(deflateRawWithCallback)

/** Deflate, no time, no name, of an unknown system (RFC 1952). */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])

/** What text becomes, or less. */
const usualRatio = 0.6

/** Each waits in memory, packed and not. */
const piecesAtOnce = 2

/** A last block that is empty. */
const deflateEnd = Buffer.from([0x03, 0x00])

/** The bytes of a block that is not compressed, at most (RFC 1951, 3.2.4). */
const storedBytes = 0xffff

/**
 * One gzip member of pieces, each a list of buffers. What does not compress costs most time to compress, fifty times as
 * much as to store: a piece that seems to be of that kind is not even tried. Some are packed while the next one is read.
 */
export async function* gzipPieces(pieces: AsyncIterable<Buffer[]>): AsyncGenerator<Buffer> {
  yield gzipHeader
  let crc = 0
  let sizeBytes = 0
  const packing: Promise<Iterable<Buffer>>[] = []
  for await (const piece of pieces) {
    for (const part of piece) {
      crc = crc32(part, crc)
      sizeBytes += part.length
    }
    const packed = pack(piece)
    // Whoever awaits it gets the error; until then it is not an unhandled one.
    packed.catch(() => {})
    packing.push(packed)
    if (packing.length > piecesAtOnce) {
      yield* (await packing.shift()) ?? []
    }
  }
  for (const packed of packing) {
    yield* await packed
  }
  yield deflateEnd
  yield trailer(crc, sizeBytes)
}

/** Whole deflate blocks, none of them the last. */
const pack = async (piece: Buffer[]): Promise<Iterable<Buffer>> =>
  (await seemsPacked(piece)) ? store(piece) : [await deflate(joinBuffers(piece))]

const deflate = (bytes: Buffer): Promise<Buffer> =>
  deflateRaw(bytes, {
    level: constants.Z_BEST_SPEED,
    finishFlush: constants.Z_SYNC_FLUSH,
    // Each chunk of its own costs a trip to the thread pool, and room that is not needed is collected as garbage.
    chunkSize: Math.ceil(bytes.length * usualRatio) + 1024
  })

function* store(piece: Buffer[]): Generator<Buffer> {
  for (const part of piece) {
    for (let start = 0; start < part.length; start += storedBytes) {
      const block = part.subarray(start, start + storedBytes)
      const head = Buffer.alloc(5)
      head.writeUInt16LE(block.length, 1)
      head.writeUInt16LE(~block.length & 0xffff, 3)
      yield head
      yield block
    }
  }
}

/** What costs little to compress, however it turns out. */
const fewBytes = 2 ** 15

const worthwhile = 0.9

/** Judged by samples. */
async function seemsPacked(piece: Buffer[]): Promise<boolean> {
  const length = piece.reduce((sum, part) => sum + part.length, 0)
  if (length < fewBytes) {
    return false
  }
  const sample = Buffer.concat([...samplesOf(piece, length)])
  const packed = await deflateRaw(sample, { level: constants.Z_BEST_SPEED })
  return packed.length > worthwhile * sample.length
}

const samples = 4
const sampleBytes = 1024

/** One of each quarter, at random, so that nobody sends a small archive of what would be stored large. */
function* samplesOf(piece: Buffer[], length: number): Generator<Buffer> {
  for (let n = 0; n < samples; n += 1) {
    let start = Math.floor(((n + Math.random()) * length) / samples)
    const part = piece.find(({ length }) => {
      const isHere = start < length
      start -= isHere ? 0 : length
      return isHere
    })
    yield part?.subarray(start, start + sampleBytes) ?? Buffer.alloc(0)
  }
}

function trailer(crc: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(crc, 0)
  bytes.writeUInt32LE(sizeBytes % 2 ** 32, 4)
  return bytes
}

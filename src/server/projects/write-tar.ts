import { pipeline, Readable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import { Header, Pax } from 'tar'
import { tarBlockBytes } from './tar-header.ts'

/** A file or folder as it goes into the stored project. */
export interface TarMember {
  path: string
  kind: 'file' | 'folder'
  sizeBytes: number
  executable: boolean
  body: AsyncIterable<Buffer>
}

/** Small pieces are put together: each write to zlib costs a trip to the thread pool. */
const pieceBytes = 2 ** 18

/**
 * A tar.gz of the members as they come: owner 0, time 0, mode 755 or 644, so that nothing of where it was packed stays.
 * Errors of the iteration are the stream's.
 */
export function writeTar(members: AsyncIterable<TarMember>): Readable {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 2 ** 20 })
  const tar = Readable.from(joinPieces(tarBytes(members)), {
    objectMode: false,
    highWaterMark: 2 ** 20
  })
  return pipeline(tar, gzip, () => {})
}

async function* tarBytes(members: AsyncIterable<TarMember>): AsyncGenerator<Buffer> {
  for await (const member of members) {
    yield* header(member)
    if (member.kind === 'file') {
      yield* member.body
      yield Buffer.alloc(-member.sizeBytes & (tarBlockBytes - 1))
    }
  }
  yield Buffer.alloc(2 * tarBlockBytes)
}

/** The header, after a PAX header where the path or size does not fit into it. */
function* header(member: TarMember): Generator<Buffer> {
  const isFolder = member.kind === 'folder'
  const path = isFolder ? `${member.path}/` : member.path
  const size = isFolder ? 0 : member.sizeBytes
  const block = Buffer.alloc(tarBlockBytes)
  const ustar = new Header({
    path,
    size,
    mode: isFolder || member.executable ? 0o755 : 0o644,
    type: isFolder ? 'Directory' : 'File',
    uid: 0,
    gid: 0,
    mtime: new Date(0)
  })
  if (ustar.encode(block)) {
    yield new Pax({ path, size }).encode()
  }
  yield block
}

async function* joinPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    pieces.push(chunk)
    length += chunk.length
    if (length >= pieceBytes) {
      yield pieces.length === 1 ? chunk : Buffer.concat(pieces)
      pieces = []
      length = 0
    }
  }
  yield Buffer.concat(pieces)
}

import { Header, Pax } from 'tar'
import { gzipPieces } from './gzip-pieces.ts'
import { tarBlockBytes } from './tar-header.ts'

/** A file or folder as it goes into the stored project. */
export interface TarMember {
  path: string
  kind: 'file' | 'folder'
  sizeBytes: number
  executable: boolean
  body: AsyncIterable<Buffer>
}

/** What is packed at once. */
const pieceBytes = 2 ** 20

/** A part of that size or more may keep the chunk that it was cut from in memory; smaller ones are copied. */
const wholeBytes = 2 ** 15

/**
 * A tar.gz of the members as they come: owner 0, time 0, mode 755 or 644, so that nothing of where it was packed stays.
 * Errors of the iteration are passed on.
 */
export const writeTar = (members: AsyncIterable<TarMember>): AsyncGenerator<Buffer> =>
  gzipPieces(inPieces(tarBytes(members)))

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

async function* inPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let piece: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    piece.push(chunk.length < wholeBytes ? Buffer.from(chunk) : chunk)
    length += chunk.length
    if (length >= pieceBytes) {
      yield piece
      piece = []
      length = 0
    }
  }
  yield piece
}

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { basename } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createDisk } from '../../../src/server/disk.ts'
import { defaultLimits, receiveArchive } from '../../../src/server/projects/index.ts'
import { makeTar } from '../../helpers/archives.ts'

const unlimited = Number.MAX_SAFE_INTEGER
const { room } = createDisk(import.meta.dirname, 0)

const receive = (
  stream: Readable,
  {
    uploadBytes = unlimited,
    ...options
  }: { folder: string; uploadBytes?: number; signal?: AbortSignal }
) => receiveArchive(stream, { room, limits: { ...defaultLimits, uploadBytes }, ...options })

/** Chunks for ever, counted. */
function createEndless() {
  const state = { chunks: 0 }
  async function* chunks() {
    for (;;) {
      state.chunks += 1
      yield Buffer.alloc(2 ** 16)
    }
  }
  return { state, stream: Readable.from(chunks()) }
}

t.test('writes the bytes as they come, in chunks of any size', async t => {
  const folder = t.testdir({})
  const bytes = randomBytes(5 * 2 ** 20 + 3)
  const cuts = [0, 1, 2, 70_000, 2 ** 20, 2 ** 20 + 1, 4 * 2 ** 20, bytes.length]
  const chunks = cuts.map((cut, i) => bytes.subarray(cut, cuts[i + 1] ?? cut))
  const file = await receive(Readable.from(chunks), { folder })
  t.equal(file.sizeBytes, bytes.length)
  t.ok(bytes.equals(await readFile(file.path)))
})

t.test('writes many tiny chunks', async t => {
  const folder = t.testdir({})
  const chunks = Array.from({ length: 5000 }, (_, i) => Buffer.from([i & 0xff]))
  const file = await receive(Readable.from(chunks), { folder })
  t.ok(Buffer.concat(chunks).equals(await readFile(file.path)))
})

t.test('writes an empty stream as an empty file', async t => {
  const folder = t.testdir({})
  const file = await receive(Readable.from([]), { folder, uploadBytes: 0 })
  t.equal(file.sizeBytes, 0)
  t.equal((await stat(file.path)).size, 0)
})

t.test('gives each file a name of its own that only its owner may read', async t => {
  const folder = t.testdir({})
  const spool = () => receive(Readable.from([Buffer.from('x')]), { folder, uploadBytes: 1 })
  const files = await Promise.all([spool(), spool(), spool()])
  t.equal(new Set(await readdir(folder)).size, 3)
  for (const { path } of files) {
    t.equal((await stat(path)).mode & 0o777, 0o600)
  }
})

t.test('takes as many bytes as the limit and not one more', async t => {
  const folder = t.testdir({})
  const spool = (bytes: number) =>
    receive(Readable.from([Buffer.alloc(bytes)]), { folder, uploadBytes: 10 })
  t.equal((await spool(10)).sizeBytes, 10)
  await t.rejects(spool(11), {
    code: 'UPLOAD_TOO_LARGE',
    message: 'The archive is larger than 10 bytes, the limit of this service.'
  })
  t.equal((await readdir(folder)).length, 1)
})

t.test('stops reading at the limit and destroys the stream', async t => {
  const folder = t.testdir({})
  const { state, stream } = createEndless()
  await t.rejects(receive(stream, { folder, uploadBytes: 2 ** 22 }), {
    code: 'UPLOAD_TOO_LARGE'
  })
  t.ok(stream.destroyed)
  t.ok(state.chunks < 200, `read ${state.chunks} chunks`)
  t.strictSame(await readdir(folder), [])
})

t.test('refuses a stream that says that it was cut', async t => {
  const folder = t.testdir({})
  const stream = Object.assign(Readable.from([Buffer.from('x')]), { truncated: true })
  await t.rejects(receive(stream, { folder, uploadBytes: 10 }), {
    code: 'UPLOAD_TOO_LARGE'
  })
  t.strictSame(await readdir(folder), [])
})

t.test('removes the file when the stream fails in the middle', async t => {
  const folder = t.testdir({})
  async function* failing() {
    yield Buffer.alloc(3 * 2 ** 20)
    throw new Error('the disk of the client is gone')
  }
  const spooling = receive(Readable.from(failing()), { folder })
  await t.rejects(spooling, { message: 'the disk of the client is gone' })
  t.strictSame(await readdir(folder), [])
})

t.test('survives a stream that has failed before it is read', async t => {
  const folder = t.testdir({})
  const stream = Readable.from([Buffer.from('x')])
  stream.destroy(new Error('gone'))
  await t.rejects(receive(stream, { folder }), { message: 'gone' })
  t.strictSame(await readdir(folder), [])
})

t.test('removes the file when the client hangs up', async t => {
  const folder = t.testdir({})
  const server = createServer({ allowHalfOpen: true })
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  const [socket] = await once(server, 'connection')
  const spooling = receive(socket, { folder })
  client.write(Buffer.alloc(2 ** 20), () => client.resetAndDestroy())
  await t.rejects(spooling, { code: 'ECONNRESET' })
  t.strictSame(await readdir(folder), [])
})

t.test('removes the file when a stream ends before its end', async t => {
  const folder = t.testdir({})
  const stream = new Readable({ read() {} })
  stream.push(Buffer.alloc(100))
  const spooling = receive(stream, { folder })
  setImmediate(() => stream.destroy())
  await t.rejects(spooling, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  t.strictSame(await readdir(folder), [])
})

t.test('stops when it is told to, though the stream stalls', async t => {
  const folder = t.testdir({})
  const stopping = new AbortController()
  const stream = new Readable({ read() {} })
  stream.push(Buffer.alloc(100))
  const spooling = receive(stream, {
    folder,
    signal: stopping.signal
  })
  setImmediate(() => stopping.abort())
  await t.rejects(spooling, { name: 'AbortError' })
  t.ok(stream.destroyed)
  t.strictSame(await readdir(folder), [])
})

t.test('fails where the folder is not there, and destroys the stream', async t => {
  const { stream } = createEndless()
  const folder = `${t.testdir({})}/missing`
  await t.rejects(receive(stream, { folder }), { code: 'ENOENT' })
  t.ok(stream.destroyed)
})

const archive = makeTar([
  { path: 'MLproject', body: 'name: a\n' },
  { path: 'data', body: randomBytes(3 * 2 ** 20) }
])

/** An upload that goes on when it is told to, and what comes of it. */
function startUpload(folder: string, bytes: Buffer) {
  const stream = new PassThrough()
  stream.write(bytes.subarray(0, 2000))
  return { receiving: receive(stream, { folder }), end: () => stream.end(bytes.subarray(2000)) }
}

t.test('writes of a tar nothing but the project, while it comes', async t => {
  const folder = t.testdir({})
  const upload = startUpload(folder, archive)
  while ((await readdir(folder)).length === 0) await sleep(1)
  upload.end()
  const received = await upload.receiving
  t.same(received.project?.().archive, { path: received.path, sizeBytes: received.sizeBytes })
  t.strictSame(await readdir(folder), [basename(received.path)])
  t.ok((await readFile(received.path)).subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])))
})

t.test('spools a tar as it is while another is slow to come, and does not wait', async t => {
  const folder = t.testdir({})
  const slow = startUpload(folder, archive)
  while ((await readdir(folder)).length < 1) await sleep(1)
  const spooled = await receive(Readable.from([archive]), { folder })
  t.ok(archive.equals(await readFile(spooled.path)))
  t.equal(spooled.project, undefined)
  slow.end()
  t.ok((await slow.receiving).project)
})

t.test(
  'reads an upload to its end though it is refused, for its client does not listen',
  async t => {
    const folder = t.testdir({})
    const refused = makeTar([{ path: '../a' }, { path: 'data', body: randomBytes(3 * 2 ** 20) }])
    const notATar = gzipSync(randomBytes(3 * 2 ** 20))
    for (const [bytes, code] of [
      [refused, 'SUBMISSION_INVALID'],
      [notATar, 'NOT_AN_ARCHIVE']
    ] as const) {
      const starts = Array.from(
        { length: Math.ceil(bytes.length / 2 ** 16) },
        (_, n) => n * 2 ** 16
      )
      const stream = Readable.from(starts.map(start => bytes.subarray(start, start + 2 ** 16)))
      const received = await receive(stream, { folder })
      t.ok(stream.readableEnded)
      t.throws(() => received.project?.(), { code })
      t.strictSame(await readdir(folder), [])
    }
  }
)

t.test('gives the place of an upload that was cut off to the next', async t => {
  const folder = t.testdir({})
  for (let n = 0; n < 3; n++) {
    const stream = new PassThrough()
    stream.write(archive.subarray(0, 2000))
    const receiving = receive(stream, { folder })
    setImmediate(() => stream.destroy())
    await t.rejects(receiving, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  }
  t.ok((await receive(Readable.from([archive]), { folder })).project)
})

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import { createDisk } from '../../../src/server/disk.ts'
import { spoolUpload } from '../../../src/server/projects/index.ts'

const unlimited = Number.MAX_SAFE_INTEGER
const { room } = createDisk(import.meta.dirname, 0)

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
  const file = await spoolUpload(Readable.from(chunks), { folder, limitBytes: unlimited, room })
  t.equal(file.sizeBytes, bytes.length)
  t.ok(bytes.equals(await readFile(file.path)))
})

t.test('writes many tiny chunks', async t => {
  const folder = t.testdir({})
  const chunks = Array.from({ length: 5000 }, (_, i) => Buffer.from([i & 0xff]))
  const file = await spoolUpload(Readable.from(chunks), { folder, limitBytes: unlimited, room })
  t.ok(Buffer.concat(chunks).equals(await readFile(file.path)))
})

t.test('writes an empty stream as an empty file', async t => {
  const folder = t.testdir({})
  const file = await spoolUpload(Readable.from([]), { folder, limitBytes: 0, room })
  t.equal(file.sizeBytes, 0)
  t.equal((await stat(file.path)).size, 0)
})

t.test('gives each file a name of its own that only its owner may read', async t => {
  const folder = t.testdir({})
  const spool = () =>
    spoolUpload(Readable.from([Buffer.from('x')]), { folder, limitBytes: 1, room })
  const files = await Promise.all([spool(), spool(), spool()])
  t.equal(new Set(await readdir(folder)).size, 3)
  for (const { path } of files) {
    t.equal((await stat(path)).mode & 0o777, 0o600)
  }
})

t.test('takes as many bytes as the limit and not one more', async t => {
  const folder = t.testdir({})
  const spool = (bytes: number) =>
    spoolUpload(Readable.from([Buffer.alloc(bytes)]), { folder, limitBytes: 10, room })
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
  await t.rejects(spoolUpload(stream, { folder, limitBytes: 2 ** 22, room }), {
    code: 'UPLOAD_TOO_LARGE'
  })
  t.ok(stream.destroyed)
  t.ok(state.chunks < 200, `read ${state.chunks} chunks`)
  t.strictSame(await readdir(folder), [])
})

t.test('refuses a stream that says that it was cut', async t => {
  const folder = t.testdir({})
  const stream = Object.assign(Readable.from([Buffer.from('x')]), { truncated: true })
  await t.rejects(spoolUpload(stream, { folder, limitBytes: 10, room }), {
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
  const spooling = spoolUpload(Readable.from(failing()), { folder, limitBytes: unlimited, room })
  await t.rejects(spooling, { message: 'the disk of the client is gone' })
  t.strictSame(await readdir(folder), [])
})

t.test('survives a stream that has failed before it is read', async t => {
  const folder = t.testdir({})
  const stream = Readable.from([Buffer.from('x')])
  stream.destroy(new Error('gone'))
  await t.rejects(spoolUpload(stream, { folder, limitBytes: unlimited, room }), { message: 'gone' })
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
  const spooling = spoolUpload(socket, { folder, limitBytes: unlimited, room })
  client.write(Buffer.alloc(2 ** 20), () => client.resetAndDestroy())
  await t.rejects(spooling, { code: 'ECONNRESET' })
  t.strictSame(await readdir(folder), [])
})

t.test('removes the file when a stream ends before its end', async t => {
  const folder = t.testdir({})
  const stream = new Readable({ read() {} })
  stream.push(Buffer.alloc(100))
  const spooling = spoolUpload(stream, { folder, limitBytes: unlimited, room })
  setImmediate(() => stream.destroy())
  await t.rejects(spooling, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  t.strictSame(await readdir(folder), [])
})

t.test('stops when it is told to, though the stream stalls', async t => {
  const folder = t.testdir({})
  const stopping = new AbortController()
  const stream = new Readable({ read() {} })
  stream.push(Buffer.alloc(100))
  const spooling = spoolUpload(stream, {
    folder,
    limitBytes: unlimited,
    room,
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
  await t.rejects(spoolUpload(stream, { folder, limitBytes: unlimited, room }), { code: 'ENOENT' })
  t.ok(stream.destroyed)
})

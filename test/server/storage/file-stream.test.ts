import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough, type Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openFileStream } from '../../../src/server/storage/file-stream.ts'
import { testFolder } from '../../helpers/folder.ts'

const bytes = randomBytes(5 * 1024 * 1024 + 7)

function aFile(t: Test): string {
  const file = join(testFolder(t), 'file')
  writeFileSync(file, bytes)
  return file
}

/** Serves the stream as an answer. */
async function serve(t: Test, open: () => Promise<Readable>) {
  const server = createServer(async (_request, response) => {
    const stream = await open()
    stream.once('error', () => response.destroy()).pipe(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('a client that takes an answer slowly gets the bytes of the file', async t => {
  const file = aFile(t)
  const url = await serve(t, () => openFileStream(file, {}))
  const received: Buffer[] = []
  for await (const piece of (await fetch(url)).body ?? []) {
    received.push(Buffer.from(piece))
    await turn()
  }
  t.ok(Buffer.concat(received).equals(bytes))
})

t.test('a destination that is done with a piece late still finds it as it was', async t => {
  const received: Buffer[] = []
  const late = new Writable({
    highWaterMark: 2 ** 30,
    write(piece: Buffer, _encoding, done) {
      setTimeout(() => {
        received.push(Buffer.from(piece))
        done()
      }, 20)
    }
  })
  const stream = await openFileStream(aFile(t), { start: 3, end: 3_000_000 })
  stream.pipe(late)
  await once(late, 'finish')
  t.ok(Buffer.concat(received).equals(bytes.subarray(3, 3_000_001)))
})

t.test('pieces that are handed on stay as they are', async t => {
  const stream = await openFileStream(aFile(t), {})
  const passed = stream.pipe(new PassThrough({ highWaterMark: 2 ** 30 }))
  await once(stream, 'end')
  t.ok((await buffer(passed)).equals(bytes))
})

t.test('a stream that was read from before is piped on from there', async t => {
  const stream = await openFileStream(aFile(t), {})
  await once(stream, 'readable')
  const first: Buffer = stream.read(10)
  const received: Buffer[] = [first]
  const end = new Writable({
    write(piece: Buffer, _encoding, done) {
      received.push(Buffer.from(piece))
      done()
    }
  })
  stream.pipe(end)
  await once(end, 'finish')
  t.ok(Buffer.concat(received).equals(bytes))
})

t.test('the file is closed when it was read', async t => {
  const file = aFile(t)
  const stream = await openFileStream(file, {})
  t.ok(openFiles().includes(file))
  await buffer(stream)
  while (openFiles().includes(file)) await sleep(10)
})

t.test('the file is closed when the client goes', async t => {
  const file = aFile(t)
  const url = await serve(t, () => openFileStream(file, {}))
  const gone = new AbortController()
  const answer = await fetch(url, { signal: gone.signal })
  t.ok(openFiles().includes(file))
  gone.abort()
  await t.rejects(answer.arrayBuffer())
  while (openFiles().includes(file)) await sleep(10)
})

t.test('a file that cannot be read any more breaks the answer off', async t => {
  const folder = testFolder(t)
  const url = await serve(t, () => openFileStream(folder, {}))
  await t.rejects(fetch(url).then(answer => answer.arrayBuffer()))
})

const openFiles = () =>
  readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(join('/proc/self/fd', fd))]
    } catch {
      return []
    }
  })

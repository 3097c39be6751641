import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { ModelFile } from '../../../src/contract/run-report.ts'
import { openModelFile } from '../../../src/server/models/index.ts'
import { extension, makeTar, type TarEntry } from '../../helpers/archives.ts'
import { listed, modelArchive } from '../../helpers/model.ts'

const body = 'abcdefghij'
const file = listed('model/MLmodel', body)
const proper: TarEntry = { path: file.path, body }

const open = (entries: TarEntry[], wanted: ModelFile = file) =>
  openModelFile(Readable.from(gzipSync(makeTar(entries)), { objectMode: false }), wanted)

t.test('a file comes out whole, whatever lies around it', async t => {
  const entries = [{ path: 'model/', type: '5' }, { path: 'other', body: 'x' }, proper]
  t.equal(`${await buffer(await open(entries))}`, body)
})

t.test('the packer may have put "./" before every name', async t => {
  t.equal(`${await buffer(await open([{ path: './model/MLmodel', body }]))}`, body)
})

t.test('an empty file is empty', async t => {
  t.equal(`${await buffer(await open([{ path: 'e', body: '' }], listed('e', '')))}`, '')
})

for (const format of ['ustar', 'gnu', 'pax'] as const)
  t.test(`a long name that is no ASCII is found in the ${format} format`, async t => {
    const path = `${'ordner/'.repeat(20)}größe-模型.json`
    const archive = Readable.from(gzipSync(makeTar([{ path, body }], { format })))
    t.equal(`${await buffer(await openModelFile(archive, listed(path, body)))}`, body)
  })

const random = randomBytes(5 * 1024 * 1024 + 7)
const large = listed('weights', random)
const last = random.length - 1
for (const [start, end] of [
  [0, 0],
  [1_048_570, 1_048_590],
  [3_000_000, last],
  [last, last]
] as const)
  t.test(`the bytes from ${start} to ${end} are those of the file`, async t => {
    const archive = Readable.from(modelArchive({ before: 'x', weights: random }))
    const bytes = await buffer(await openModelFile(archive, large, { start, end }))
    t.ok(bytes.equals(random.subarray(start, end + 1)))
  })

const wrong: [what: string, reason: string, entries: TarEntry[]][] = [
  ['is not in the archive', 'it is not there', [{ path: 'model/MLmodel2', body }]],
  [
    'is there as a symbolic link',
    "it is a symbolic link to '/etc/passwd' there",
    [{ path: file.path, type: '2', linkPath: '/etc/passwd' }]
  ],
  [
    'is there as a hard link, though a file of that name follows',
    "it is a hard link to 'other' there",
    [{ path: 'other', body }, { path: file.path, type: '1', linkPath: 'other' }, proper]
  ],
  ['is there as a folder', 'it is a folder there', [{ path: file.path, type: '5' }]],
  ['is there as a device', 'it is a character device there', [{ path: file.path, type: '3' }]],
  [
    'has another size there',
    'it has 3 bytes there, and 10 in the run report',
    [{ path: file.path, body: 'abc' }, proper]
  ],
  [
    'has other bytes there',
    'its bytes there do not have the SHA-256 of the run report',
    [{ path: file.path, body: 'ABCDEFGHIJ' }]
  ],
  ['has a name that leads out', 'it is not there', [{ path: `../${file.path}`, body }]],
  ['has an absolute name there', 'it is not there', [{ path: `/${file.path}`, body }]],
  [
    'comes after a header of ten megabytes',
    'an entry has more than 1048576 bytes of headers',
    [{ path: 'x', pax: { comment: Buffer.alloc(10 * 2 ** 20, 'c') } }, proper]
  ]
]
for (const [what, reason, entries] of wrong)
  t.test(`a listed file that ${what} is not sent`, async t => {
    await t.rejects(open(entries), {
      code: 'MODEL_UNREADABLE',
      message: `${file.path} cannot be read out of model.tar.gz: ${reason}.`
    })
  })

t.test('of two files of one name the first is meant, and no other bytes are sent', async t => {
  t.equal(`${await buffer(await open([proper, { path: file.path, body: 'ABCDEFGHIJ' }]))}`, body)
})

t.test('a name that ends in a NUL and more is another name', async t => {
  const header = extension('x', Buffer.from('27 path=model/MLmodel\0.exe\n'))
  const archive = gzipSync(Buffer.concat([header, makeTar([{ path: 'innocent', body }])]))
  await t.rejects(openModelFile(Readable.from(archive), file), { code: 'MODEL_UNREADABLE' })
})

t.test('what is no gzip is told, and so is what is cut short before the file', async t => {
  const cut = modelArchive({ weights: random, [file.path]: body }).subarray(0, 100_000)
  for (const bytes of [Buffer.from('not an archive'), cut])
    await t.rejects(openModelFile(Readable.from(bytes, { objectMode: false }), file), {
      code: 'MODEL_UNREADABLE',
      message: /its gzip is damaged or cut short/
    })
})

t.test('an archive that is cut short in the file breaks the stream', async t => {
  const archive = modelArchive({ weights: random }).subarray(0, 4_000_000)
  const stream = await openModelFile(Readable.from(archive), large)
  await t.rejects(buffer(stream), { message: /cut short/ })
})

t.test('the last bytes of a large file are held back until its digest is right', async t => {
  const changed = Buffer.from(random)
  changed[0] = (changed[0] ?? 0) ^ 1
  const stream = await openModelFile(Readable.from(modelArchive({ weights: changed })), large)
  let received = 0
  stream.on('data', chunk => {
    received += chunk.length
  })
  await t.rejects(new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject)), {
    message: /do not have the SHA-256/
  })
  t.ok(received < random.length)
})

t.test('the archive is closed as soon as the file has been read', async t => {
  const archive = await onDisk(t, { first: body, weights: random })
  await buffer(await openModelFile(archive, listed('first', body)))
  t.ok(archive.destroyed)
  t.ok(archive.bytesRead < random.length / 2)
})

t.test('the archive is not read ahead of who reads the file', async t => {
  const weights = Buffer.concat(Array(4).fill(random))
  const archive = await onDisk(t, { weights })
  const stream = await openModelFile(archive, listed('weights', weights))
  for (let n = 0; n < 200; n++) await turn()
  t.ok(archive.bytesRead < 2 * random.length)
  stream.destroy()
})

t.test('a storage that breaks off before the file is a matter of the storage', async t => {
  const archive = new Readable({ read() {} })
  archive.push(modelArchive({ weights: random }).subarray(0, 100_000))
  const opened = openModelFile(archive, file)
  archive.destroy(new Error('socket hang up'))
  await t.rejects(opened, { code: 'STORAGE_UNAVAILABLE', message: /socket hang up/ })
})

async function onDisk(t: Test, files: Record<string, string | Buffer>) {
  const path = join(t.testdir(), 'model.tar.gz')
  await writeFile(path, modelArchive(files))
  return createReadStream(path, { highWaterMark: 64 * 1024 })
}

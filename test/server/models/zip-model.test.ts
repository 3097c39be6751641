import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { findUnzippable, zipModel } from '../../../src/server/models/index.ts'
import { makeTar, type TarEntry } from '../../helpers/archives.ts'
import { listed, listOf, modelArchive } from '../../helpers/model.ts'
import { unzip } from '../../helpers/unzip.ts'

const modifiedAt = new Date('2026-01-02T03:04:06Z')
const weights = randomBytes(3 * 1024 * 1024 + 1)
const files = { 'model/MLmodel': 'flavors: {}\n', 'model/größe.bin': weights, empty: '' }

const zipOf = (archive: Buffer, list = listOf(files)) =>
  zipModel(Readable.from(archive, { objectMode: false }), list, {
    sizeBytes: archive.length,
    modifiedAt
  })

t.test('a zip holds every listed file with its bytes', async t => {
  const zip = await unzip(await buffer(await zipOf(modelArchive(files))))

  t.same([...zip.keys()], Object.keys(files))
  for (const [path, body] of Object.entries(files))
    t.ok(zip.get(path)?.bytes.equals(Buffer.from(body)), path)
})

t.test('what gzip made smaller is smaller in the zip, and the rest as large as it is', async t => {
  const shrinks = { text: 'text '.repeat(100_000) }
  const small = await zipOf(
    gzipSync(makeTar([{ path: 'text', body: shrinks.text }])),
    listOf(shrinks)
  )
  const stored = await zipOf(modelArchive({ weights }), listOf({ weights }))

  t.ok((await buffer(small)).length < shrinks.text.length / 10)
  t.equal((await buffer(stored)).length - weights.length, 30 + 16 + 46 + 9 + 22 + 2 * 7)
})

t.test('what can be executed stays so, and set-id bits do not', async t => {
  const archive = gzipSync(
    makeTar([
      { path: 'run.sh', body: 'x', mode: 0o4755 },
      { path: 'plain', body: 'y', mode: 0o600 }
    ])
  )

  const zip = await unzip(
    await buffer(await zipOf(archive, [listed('run.sh', 'x'), listed('plain', 'y')]))
  )

  t.equal(zip.get('run.sh')?.mode, 0o100755)
  t.equal(zip.get('plain')?.mode, 0o100644)
})

t.test(
  'what the list does not name stays out: links, names that lead out, second copies',
  async t => {
    const archive = gzipSync(
      makeTar([
        { path: '../evil', body: 'x' },
        { path: '/etc/passwd', body: 'x' },
        { path: 'link', type: '2', linkPath: '/etc/passwd' },
        { path: 'good', body: 'good' },
        { path: 'good', body: 'evil' },
        { path: 'other', body: 'other' }
      ])
    )

    const zip = await unzip(
      await buffer(await zipOf(archive, listOf({ good: 'good', other: 'other' })))
    )

    t.same([...zip.keys()], ['good', 'other'])
    t.equal(`${zip.get('good')?.bytes}`, 'good')
  }
)

const broken: [what: string, reason: RegExp, entries: TarEntry[]][] = [
  ['is missing', /1 of the listed files are missing/, []],
  ['is a link', /it is a hard link to 'a' there/, [{ path: 'b', type: '1', linkPath: 'a' }]],
  ['has other bytes', /do not have the SHA-256/, [{ path: 'b', body: 'X' }]],
  ['has another size', /it has 2 bytes there, and 1/, [{ path: 'b', body: 'bb' }]]
]
for (const [what, reason, entries] of broken)
  t.test(`a zip breaks off where a listed file ${what}`, async t => {
    const archive = gzipSync(makeTar([{ path: 'a', body: 'a' }, ...entries]))
    const zip = await zipOf(archive, listOf({ a: 'a', b: 'b' }))
    await t.rejects(buffer(zip), { message: reason })
  })

t.test('a zip breaks off where the archive is cut short', async t => {
  const zip = await zipOf(modelArchive(files).subarray(0, -100))
  await t.rejects(buffer(zip), { message: /cut short/ })
})

t.test('what is no archive at all is told before the first byte', async t => {
  await t.rejects(zipOf(Buffer.from('nothing')), {
    code: 'MODEL_UNREADABLE',
    message: /^The model cannot be read out of model.tar.gz: its gzip is damaged/
  })
})

t.test('the archive is closed when the reader of the zip goes', async t => {
  const archive = Readable.from(chunksOf(modelArchive(files)))
  const zip = await zipModel(archive, listOf(files), { sizeBytes: 0, modifiedAt })
  for (let n = 0; n < 100; n++) await turn()
  t.notOk(archive.destroyed, 'it waits for its reader')

  zip.destroy()

  await new Promise(resolve => archive.once('close', resolve))
  t.ok(archive.destroyed)
})

t.test('names that a zip cannot hold are found before', async t => {
  t.equal(findUnzippable(listOf({ a: '', 'b\\..\\c': '' })), 'b\\..\\c')
  t.equal(findUnzippable(listOf({ 'C:/x': '' })), 'C:/x')
  t.equal(findUnzippable(listOf({ 'model/C:x': '', 'größe 1': '' })), undefined)
})

function* chunksOf(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

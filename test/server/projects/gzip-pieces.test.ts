import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { execa } from 'execa'
import t from 'tap'
import { gzipPieces } from '../../../src/server/projects/gzip-pieces.ts'

const mebibyte = 2 ** 20
const random = randomBytes(mebibyte)
const text = Buffer.from('5.1,3.5,1.4,0.2,setosa\n'.repeat(mebibyte / 16))

async function gzip(...pieces: Buffer[][]): Promise<Buffer> {
  async function* all() {
    yield* pieces
  }
  return Buffer.concat(await Array.fromAsync(gzipPieces(all())))
}

const cases: [title: string, pieces: Buffer[][]][] = [
  ['nothing', []],
  ['an empty piece', [[]]],
  ['a piece of empty buffers', [[Buffer.alloc(0), Buffer.alloc(0)]]],
  ['one byte', [[Buffer.from('x')]]],
  ['text', [[text]]],
  ['bytes that do not compress', [[random]]],
  ['text, then such bytes, then text', [[text], [random], [text]]],
  ['text and such bytes in one piece', [[text, random, text]]],
  [
    'parts around the size of a stored block',
    [[65_534, 65_535, 65_536, 0, 131_071].map(length => random.subarray(0, length))]
  ]
]

for (const [title, pieces] of cases) {
  t.test(`${title}: comes out of zlib and of gzip as it went in`, async t => {
    const bytes = Buffer.concat(pieces.flat())
    const packed = await gzip(...pieces)
    t.ok(gunzipSync(packed).equals(bytes), 'of zlib')
    const { stdout } = await execa('gzip', ['-dc'], {
      input: packed,
      encoding: 'buffer',
      stripFinalNewline: false
    })
    t.ok(bytes.equals(stdout), 'of gzip')
  })
}

t.test('packs what compresses, and stores what does not at next to no cost', async t => {
  t.ok((await gzip([text])).length < text.length / 10)
  const stored = (await gzip([random], [random])).length - 2 * mebibyte
  t.ok(stored > 0 && stored < 2 * mebibyte * 0.0002, `${stored} bytes more`)
})

t.test('stores nothing large because of a small part that does not compress', async t => {
  const few = Buffer.concat([text.subarray(0, 700_000), random.subarray(0, 40_000), text])
  t.ok((await gzip([few])).length < few.length / 4)
})

t.test('fails as the pieces do', async t => {
  async function* failing() {
    yield [random]
    throw new Error('no more')
  }
  await t.rejects(Array.fromAsync(gzipPieces(failing())), { message: 'no more' })
})

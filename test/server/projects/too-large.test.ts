import { gzipSync } from 'node:zlib'
import t from 'tap'
import { endMark, makeRawZip, makeTar, paxHeader, type TarEntry } from '../../helpers/archives.ts'
import { type InspectOptions, refuse } from '../../helpers/inspect.ts'

const project: TarEntry = { path: 'MLproject', body: 'name: large\n' }
const mebibyte = 2 ** 20

const many = (count: number, type: string, name: (i: number) => string): TarEntry[] =>
  Array.from({ length: count }, (_, i) => ({ path: name(i), type }))

const zeros = gzipSync(Buffer.alloc(16 * mebibyte))

/** A tar.gz whose first entry holds so many zeros. */
const zeroBomb = (bytes: number): Buffer =>
  Buffer.concat([
    gzipSync(makeTar([{ path: 'zeros', size: bytes }], { end: Buffer.alloc(0) })),
    ...Array<Buffer>(bytes / (16 * mebibyte)).fill(zeros),
    gzipSync(endMark)
  ])

type Case = [title: string, archive: () => Buffer, message: RegExp, options?: InspectOptions]

/** Each is refused as PROJECT_TOO_LARGE. */
const cases: Case[] = [
  [
    'a header that tells of 1 TiB, before a byte of it is inflated',
    () => makeTar([project, { path: 'a', size: 2 ** 40, change: wideSize }]),
    /unpacks to more than 10,737,418,240 bytes/
  ],
  [
    'a PAX size of 1 TiB',
    () => makeTar([project, { path: 'a', pax: { size: String(2 ** 40) } }]),
    /unpacks to more than 10,737,418,240 bytes/
  ],
  [
    'one byte more than may be unpacked',
    () => makeTar([project, { path: 'a', body: 'x'.repeat(89) }]),
    /unpacks to more than 100 bytes/,
    { limits: { unpackedBytes: 100 } }
  ],
  [
    'a GiB of zeros in a MiB',
    () => zeroBomb(1024 * mebibyte),
    /unpacks to more than 200 times its size/
  ],
  [
    'zeros after the end mark that inflate for ever',
    () => Buffer.concat([gzipSync(makeTar([project])), ...Array<Buffer>(8).fill(zeros)]),
    /unpacks to more than 1 times its size/,
    { limits: { ratio: 1 } }
  ],
  [
    'one file more than may be',
    () => makeTar(many(4, '0', i => `f${i}`)),
    /holds more than 3 files or as many folders/,
    { limits: { files: 3 } }
  ],
  [
    'one folder more than may be',
    () => makeTar(many(4, '5', i => `f${i}`)),
    /holds more than 3 files or as many folders/,
    { limits: { files: 3 } }
  ],
  [
    'folders that are only implied, a hundred for each file',
    () => makeTar([{ path: 'a/b/c/d/e' }]),
    /holds more than 3 files or as many folders/,
    { limits: { files: 3 } }
  ],
  [
    'more links than files may be',
    () => makeTar(many(4, '2', i => `l${i}`)),
    /more than 3 entries that are left out or refused/,
    { limits: { files: 3 } }
  ],
  [
    'more of .git than files may be',
    () => makeTar(many(4, '0', i => `.git/${i}`)),
    /more than 3 entries that are left out or refused/,
    { limits: { files: 3 } }
  ],
  [
    'the root folder over and over',
    () => makeTar(many(4, '5', () => './')),
    /more than 3 entries that are left out/,
    { limits: { files: 3 } }
  ],
  [
    '5,001 empty files where 5,000 may be',
    () => gzipSync(makeTar(many(5001, '0', i => `f${i}`))),
    /holds more than 5,000 files/,
    { limits: { files: 5000 } }
  ],
  [
    'a zip of more entries than may be',
    () => makeRawZip(Array.from({ length: 7 }, (_, i) => ({ name: `f${i}` }))),
    /holds more than 6 entries/,
    { limits: { files: 3 } }
  ],
  [
    'a zip that tells of 3 GiB of zeros',
    () => makeRawZip([{ name: 'a', method: 8, size: 3 * 2 ** 30 }]),
    /unpacks to more than 200 times its size/
  ],
  [
    'a zip of files that together are more than may be',
    () =>
      makeRawZip([
        { name: 'a', body: 'x'.repeat(60) },
        { name: 'b', body: 'x'.repeat(60) }
      ]),
    /unpacks to more than 100 bytes/,
    { limits: { unpackedBytes: 100 } }
  ],
  [
    'left-out files that are more than may be unpacked',
    () => makeTar([project, { path: '.git/pack', body: 'x'.repeat(200) }]),
    /unpacks to more than 100 bytes/,
    { limits: { unpackedBytes: 100 } }
  ],
  [
    'extended headers that are more than may be unpacked',
    () => Buffer.concat([paxHeader({ comment: 'x'.repeat(200) }, 'g'), makeTar([project])]),
    /unpacks to more than 100 bytes/,
    { limits: { unpackedBytes: 100 } }
  ]
]

function wideSize(header: Buffer): void {
  header.fill(0, 124, 136)
  header.writeUInt8(0x80, 124)
  header.writeBigUInt64BE(2n ** 40n, 128)
}

for (const [title, archive, message, options] of cases) {
  t.test(`refuses ${title}`, async t => {
    const refusal = await refuse(t, archive(), options)
    t.equal(refusal.code, 'PROJECT_TOO_LARGE')
    t.match(refusal.message, message)
  })
}

t.test('tells of a size before it tells of faults, for it reads no further', async t => {
  const archive = makeTar([{ path: '../a' }, { path: 'b', body: 'x'.repeat(101) }])
  const refusal = await refuse(t, archive, { limits: { unpackedBytes: 100 } })
  t.equal(refusal.code, 'PROJECT_TOO_LARGE')
})

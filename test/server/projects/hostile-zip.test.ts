import { crc32, deflateRawSync } from 'node:zlib'
import t from 'tap'
import {
  makeRawZip,
  makeTar,
  makeZip,
  type ZipEntry,
  zipDescriptor,
  zipExtra,
  zipUnicodePath
} from '../../helpers/archives.ts'
import { refuse } from '../../helpers/inspect.ts'

const text = 'name: hostile\n'
const project: ZipEntry = { name: 'MLproject', body: text }

const withEntry = (entry: ZipEntry): Buffer => makeRawZip([project, entry])

type Case = [title: string, archive: () => Buffer, detail: RegExp]

/** Each is refused as SUBMISSION_INVALID with a fault of this kind. */
const cases: Case[] = [
  ['a path that climbs out', () => withEntry({ name: '../evil' }), /'\.\.\/evil' has "\.\."/],
  ['an absolute path', () => withEntry({ name: '/etc/evil' }), /has an absolute path/],
  ['a drive letter', () => withEntry({ name: 'C:/evil' }), /drive letter/],
  [
    'backslashes that Windows reads as separators',
    () => withEntry({ name: '..\\evil' }),
    /backslash/
  ],
  [
    'a NUL in the name',
    () => withEntry({ name: 'a.txt\0.sh' }),
    /'a\.txt\\x00\.sh' has a control character/
  ],
  ['an empty name', () => withEntry({ name: '' }), /has an empty name/],
  [
    'a name in an old code page, which tools guess at',
    () => withEntry({ name: Buffer.from([0x63, 0x82]) }),
    /'c\\x82' has a name that is not UTF-8/
  ],
  ['the same path twice', () => makeRawZip([project, project]), /'MLproject' is there twice/],
  [
    'two MLproject files that a disk without case takes for one',
    () => makeRawZip([project, { name: 'mlproject' }]),
    /'mlproject' lies beside 'MLproject'/
  ],
  [
    'a file used as a folder',
    () => makeRawZip([project, { name: 'MLproject/evil' }]),
    /lies in 'MLproject', which is a file/
  ],
  [
    'a symbolic link by its mode',
    () => withEntry({ name: 'l', body: '/etc/passwd', mode: 0o120777 }),
    /'l' is a symbolic link; only files/
  ],
  [
    'a symbolic link by its mode though the packer says it is DOS',
    () => withEntry({ name: 'l', body: '/etc', mode: 0o120777, system: 0 }),
    /'l' is a symbolic link/
  ],
  ['a device', () => withEntry({ name: 'd', mode: 0o060644 }), /'d' is a block device/],
  ['a named pipe', () => withEntry({ name: 'p', mode: 0o010644 }), /'p' is a named pipe/],
  [
    'a mode of no known kind',
    () => withEntry({ name: 'p', mode: 0o150644 }),
    /'p' is an entry of the unknown type 13/
  ],
  [
    'a folder by its mode that is a file by its name',
    () => withEntry({ name: 'f', mode: 0o040755 }),
    /is a file by its name and a folder by its mode/
  ],
  [
    'a file by its mode that is a folder by its name',
    () => withEntry({ name: 'f/', mode: 0o100644 }),
    /or the other way round/
  ],
  [
    'a folder with bytes of its own',
    () => withEntry({ name: 'f/', body: 'x', mode: 0o040755 }),
    /'f\/' is a folder with bytes of its own/
  ],
  [
    'another name in front of the bytes than in the list of entries, for tools that read one or the other',
    () => withEntry({ name: 'train.py', local: { name: 'evil.py_' } }),
    /'train\.py' has another name in front of its bytes/
  ],
  [
    'a name in front of the bytes that only begins the same',
    () => withEntry({ name: 'a', local: { name: 'a.sh' } }),
    /'a' has another name/
  ],
  [
    'another method in front of the bytes',
    () => withEntry({ name: 'a', body: 'x', local: { method: 8 } }),
    /another compression method in front/
  ],
  [
    'another size in front of the bytes',
    () => withEntry({ name: 'a', body: 'xx', local: { size: 1 } }),
    /another size or checksum in front/
  ],
  [
    'another packed size in front of the bytes',
    () => withEntry({ name: 'a', body: 'xx', local: { packedSize: 1 } }),
    /another size or checksum/
  ],
  [
    'another checksum in front of the bytes',
    () => withEntry({ name: 'a', body: 'xx', local: { crc: 1 } }),
    /another size or checksum/
  ],
  [
    'other flags in front of the bytes',
    () => withEntry({ name: 'a', local: { flags: 0x800 } }),
    /other flags in front/
  ],
  [
    'encrypted only in front of the bytes',
    () => withEntry({ name: 'a', local: { flags: 1 } }),
    /other flags in front/
  ],
  [
    'a Unicode name in front of the bytes that the list does not have',
    () => withEntry({ name: 'a', local: { extra: zipUnicodePath('a', 'evil') } }),
    /'a' has another name/
  ],
  [
    'a Unicode name that climbs out behind a harmless one',
    () => withEntry({ name: 'a', extra: zipUnicodePath('a', '../evil') }),
    /'\.\.\/evil' has "\.\."/
  ],
  ['an encrypted entry', () => withEntry({ name: 'a', body: 'x', flags: 1 }), /'a' is encrypted/],
  [
    'a strongly encrypted entry',
    () => withEntry({ name: 'a', body: 'x', flags: 0x41 }),
    /strong encryption is not supported/
  ],
  [
    'an encrypted list of entries',
    () => withEntry({ name: 'a', body: 'x', flags: 0x2000 }),
    /'a' is encrypted/
  ],
  [
    'a patch',
    () => withEntry({ name: 'a', body: 'x', flags: 0x20 }),
    /'a' is a patch of another file/
  ],
  [
    'AES encryption as a method',
    () => withEntry({ name: 'a', method: 99 }),
    /'a' is compressed by AES encryption/
  ],
  [
    'Deflate64',
    () => withEntry({ name: 'a', method: 9 }),
    /'a' is compressed by Deflate64; only deflate and stored are read/
  ],
  ['bzip2', () => withEntry({ name: 'a', method: 12 }), /compressed by bzip2/],
  ['LZMA', () => withEntry({ name: 'a', method: 14 }), /compressed by LZMA/],
  ['zstd', () => withEntry({ name: 'a', method: 93 }), /compressed by zstd/],
  [
    'a method that nobody knows',
    () => withEntry({ name: 'a', method: 77 }),
    /compressed by method 77/
  ],
  [
    'a stored entry of two sizes',
    () => withEntry({ name: 'a', body: 'xx', size: 1 }),
    /stored as it is and yet has two sizes/
  ],
  [
    'a wrong checksum',
    () => withEntry({ name: 'a', body: 'x', crc: 1 }),
    /the checksum of an entry is wrong/
  ],
  [
    'a wrong checksum of a deflated entry',
    () => withEntry({ name: 'a', body: 'x', crc: 1, method: 8 }),
    /the checksum of an entry is wrong/
  ],
  [
    'fewer bytes than the size says',
    () => withEntry({ name: 'a', body: 'x', size: 9, method: 8 }),
    /holds fewer bytes than its size says/
  ],
  [
    'more bytes than the size says',
    () => withEntry({ name: 'a', body: 'xxx', size: 2, method: 8 }),
    /holds more bytes than its size says/
  ],
  [
    'a bomb that says it is one byte',
    () => withEntry({ name: 'a', body: Buffer.alloc(8 * 2 ** 20), size: 1, method: 8 }),
    /holds more bytes than its size says/
  ],
  [
    'bytes hidden after the end of the compressed data',
    () =>
      withEntry({
        name: 'a',
        body: 'x',
        method: 8,
        packed: Buffer.concat([deflateRawSync('x'), Buffer.from('hidden')])
      }),
    /has bytes after the end of its compressed data/
  ],
  [
    'compressed data that is none',
    () =>
      withEntry({ name: 'a', body: 'x', method: 8, packed: Buffer.from('\xff\xff\xff', 'latin1') }),
    /an entry does not inflate/
  ],
  [
    'compressed data that is cut',
    () =>
      withEntry({ name: 'a', body: text, method: 8, packed: deflateRawSync(text).subarray(0, 8) }),
    /an entry does not inflate/
  ],
  [
    'entries that share their bytes, a bomb without a ratio',
    () => makeRawZip([project, { name: 'b', body: text, start: 0 }]),
    /'b' has another name|'b' shares its bytes with another entry/
  ],
  [
    'an entry inside the bytes of another',
    () => {
      const inner = makeRawZip([{ name: 'evil', body: 'x' }]).subarray(0, 35)
      return makeRawZip([
        { name: 'outer', body: inner },
        { name: 'evil', body: 'x', start: 35 }
      ])
    },
    /'evil' shares its bytes with another entry/
  ],
  [
    'an entry that only tools see which do not read the list of entries',
    () => hiddenEntry(),
    /'z' comes after bytes that belong to no entry/
  ],
  [
    'bytes before the first entry',
    () => moved(makeRawZip([project], { before: Buffer.from('PK\x03\x04junk') })),
    /'MLproject' comes after bytes that belong to no entry/
  ],
  [
    'bytes before the list of entries',
    () => makeRawZip([project], { between: Buffer.from('junk') }),
    /bytes before its list of entries that belong to no entry/
  ],
  [
    'bytes after the end',
    () => makeRawZip([project], { after: Buffer.from('junk') }),
    /there are bytes after its end record/
  ],
  [
    'a tar after the end',
    () => makeRawZip([project], { after: makeTar([{ path: 'MLproject' }]) }),
    /bytes after its end record/
  ],
  [
    'a second end record in the comment',
    () => makeRawZip([project], { comment: `PK\x05\x06${'\0'.repeat(18)}` }),
    /bytes after|cannot be read/
  ],
  [
    'no end record',
    () => makeRawZip([project]).subarray(0, 60),
    /it has no end record: it is cut short/
  ],
  ['only a few bytes', () => makeRawZip([project]).subarray(0, 8), /it has no end record/],
  [
    'an end record that points elsewhere',
    () => makeRawZip([project], { changeEnd: end => end.writeUInt32LE(1, 16) }),
    /end records do not agree on where the list of entries lies/
  ],
  [
    'an end record that tells another size',
    () => makeRawZip([project], { changeEnd: end => end.writeUInt32LE(1, 12) }),
    /end records do not agree/
  ],
  [
    'an end record that counts fewer entries than there are',
    () =>
      makeRawZip([project, { name: 'b' }], { changeEnd: end => end.fill(1, 8, 9).fill(1, 10, 11) }),
    /disagree on how many there are/
  ],
  [
    'an end record that counts more entries than there are',
    () => makeRawZip([project], { changeEnd: end => end.fill(2, 8, 9).fill(2, 10, 11) }),
    /points to bytes beyond the end of the file/
  ],
  [
    'a part of a split zip',
    () => makeRawZip([project], { changeEnd: end => end.writeUInt16LE(3, 4) }),
    /it is a part of a split zip/
  ],
  [
    'an entry that begins beyond the file',
    () => withEntry({ name: 'a', start: 1_000_000 }),
    /points to bytes beyond the end of the file/
  ],
  [
    'an entry whose bytes end beyond the file',
    () => withEntry({ name: 'a', packedSize: 1_000_000, size: 1_000_000 }),
    /cannot be read beyond 'a'|does not fit|points to bytes beyond/
  ],
  [
    'an entry that begins where none is',
    () => withEntry({ name: 'a', local: { signature: 0 } }),
    /points to bytes that are no entry/
  ],
  [
    'a data descriptor that is announced and missing',
    () => withEntry({ name: 'a', body: 'x', flags: 8 }),
    /is followed by no data descriptor/
  ],
  [
    'a data descriptor that says another size',
    () =>
      withEntry({ name: 'a', body: 'x', flags: 8, descriptor: zipDescriptor(crc32('x'), 1, 2) }),
    /is followed by no data descriptor that says the same/
  ],
  [
    'a data descriptor that nothing announced',
    () =>
      makeRawZip([
        project,
        { name: 'a', body: 'x', descriptor: zipDescriptor(crc32('x'), 1, 1) },
        { name: 'z' }
      ]),
    /'z' comes after bytes that belong to no entry/
  ],
  [
    'an extra field that is longer than it can be',
    () => withEntry({ name: 'a', extra: Buffer.from([1, 0, 255, 0]) }),
    /its list of entries is damaged/
  ],
  [
    'zip64 sizes that are not there',
    () => withEntry({ name: 'a', size: 0xffffffff, extra: zipExtra(1, Buffer.alloc(0)) }),
    /its list of entries is damaged/
  ]
]

/** Three entries, of which the list knows the first and the last. */
function hiddenEntry(): Buffer {
  const first = makeRawZip([project])
  const local = 30 + 'MLproject'.length + text.length
  const hidden = makeRawZip([{ name: 'evil' }]).subarray(0, 34)
  const second = makeRawZip([{ name: 'z' }]).subarray(0, 31)
  const bodies = [first.subarray(0, local), hidden, second]
  const list = makeRawZip([project, { name: 'z', start: local + hidden.length }])
  const start = local + second.length
  const offset = Buffer.concat(bodies).length
  const tail = Buffer.from(list.subarray(start))
  tail.writeUInt32LE(offset, tail.length - 22 + 16)
  return Buffer.concat([...bodies, tail])
}

/** As it is: the helper tells the true places also with bytes before. */
const moved = (zip: Buffer): Buffer => zip

for (const [title, archive, detail] of cases) {
  t.test(`refuses ${title}`, async t => {
    const { code, faults } = await refuse(t, archive())
    t.equal(code, 'SUBMISSION_INVALID')
    t.ok(
      faults.some(fault => fault.pointer === '/project' && detail.test(fault.detail)),
      `says ${detail}: ${JSON.stringify(faults)}`
    )
  })
}

t.test('refuses a zip64 whose two end records disagree', async t => {
  const zip = await makeZip([{ path: 'MLproject', body: text }], { zip64: true })
  zip.writeUInt16LE(7, zip.length - 22 + 8)
  zip.writeUInt16LE(7, zip.length - 22 + 10)
  const { code, faults } = await refuse(t, zip)
  t.equal(code, 'SUBMISSION_INVALID')
  t.match(faults[0]?.detail, /end records do not agree/)
})

t.test('refuses a zip64 whose end record is not where its locator says', async t => {
  const zip = await makeZip([{ path: 'MLproject', body: text }], { zip64: true })
  zip.writeUInt32LE(0, zip.length - 22 - 20 + 8)
  const { code, faults } = await refuse(t, zip)
  t.equal(code, 'SUBMISSION_INVALID')
  t.match(faults[0]?.detail, /zip64 end record is not where it should be/)
})

t.test('refuses a zip64 that says that it is a part of several', async t => {
  const zip = await makeZip([{ path: 'MLproject', body: text }], { zip64: true })
  zip.writeUInt32LE(3, zip.length - 22 - 20 + 16)
  const { code, faults } = await refuse(t, zip)
  t.equal(code, 'SUBMISSION_INVALID')
  t.match(faults[0]?.detail, /it is a part of a split zip/)
})

t.test('tells all faults of a zip at once', async t => {
  const { faults } = await refuse(
    t,
    makeRawZip([
      { name: '../a' },
      { name: 'b', flags: 1 },
      { name: 'c', mode: 0o120777 },
      { name: 'd', method: 12 }
    ])
  )
  t.strictSame(
    faults.map(fault => fault.detail),
    [
      'The entry \'../a\' has ".." in its path.',
      "The entry 'b' is encrypted.",
      "The entry 'c' is a symbolic link; only files and folders are taken.",
      "The entry 'd' is compressed by bzip2; only deflate and stored are read."
    ]
  )
})

import { gzipSync } from 'node:zlib'
import t from 'tap'
import {
  endMark,
  extension,
  gnuLongName,
  makeTar,
  octal,
  paxHeader,
  type TarEntry
} from '../../helpers/archives.ts'
import { type InspectOptions, refuse } from '../../helpers/inspect.ts'

const project: TarEntry = { path: 'MLproject', body: 'name: hostile\n' }

const withEntry = (entry: TarEntry): Buffer => makeTar([project, entry])

type Case = [title: string, archive: () => Buffer, detail: RegExp, options?: InspectOptions]

/** Each is refused as SUBMISSION_INVALID with a fault of this kind. */
const cases: Case[] = [
  [
    'a symbolic link out of the folder, through which a later entry would be written anywhere',
    () =>
      makeTar([
        project,
        { path: 'out', type: '2', linkPath: '/etc' },
        { path: 'out/passwd', body: 'x' }
      ]),
    /^The entry 'out' is a symbolic link to '\/etc'; only files and folders are taken\.$/
  ],
  [
    'a symbolic link to a file that the service would read as the project',
    () => makeTar([{ path: 'MLproject', type: '2', linkPath: '/proc/self/environ' }]),
    /^The entry 'MLproject' is a symbolic link/
  ],
  [
    'a symbolic link inside the project: harmless until it is changed',
    () => withEntry({ path: 'b', type: '2', linkPath: 'MLproject' }),
    /'b' is a symbolic link to 'MLproject'/
  ],
  [
    'a hard link to a file outside',
    () => withEntry({ path: 'h', type: '1', linkPath: '../../secret' }),
    /'h' is a hard link to '\.\.\/\.\.\/secret'/
  ],
  [
    'a hard link inside the project',
    () => withEntry({ path: 'h', type: '1', linkPath: 'MLproject' }),
    /'h' is a hard link/
  ],
  [
    'a link whose target comes in a PAX header',
    () => withEntry({ path: 'x', type: '1', linkPath: 'MLproject', pax: { linkpath: '/etc' } }),
    /'x' is a hard link to '\/etc'/
  ],
  [
    'a hard link with a body, which some tools take for the next header',
    () => withEntry({ path: 'h', type: '1', linkPath: 'MLproject', body: 'bytes' }),
    /cannot be read beyond 'h': it says that 5 bytes follow/
  ],
  [
    'a link whose target comes in a GNU long link, where a look at the header finds a harmless one',
    () =>
      Buffer.concat([
        gnuLongName('/etc/shadow', 'K'),
        makeTar([{ path: 'x', type: '2', linkPath: 'MLproject' }])
      ]),
    /'x' is a symbolic link to '\/etc\/shadow'/
  ],
  [
    'a character device',
    () => withEntry({ path: 'tty', type: '3' }),
    /'tty' is a character device/
  ],
  ['a block device', () => withEntry({ path: 'sda', type: '4' }), /'sda' is a block device/],
  [
    'a named pipe that a reader would wait on for ever',
    () => withEntry({ path: 'p', type: '6' }),
    /'p' is a named pipe/
  ],
  [
    'an entry of a type that nobody knows',
    () => withEntry({ path: 'z', type: 'Z', body: 'z' }),
    /'z' is an entry of the unknown type 'Z'/
  ],
  [
    'a PAX header of the form of Solaris',
    () => withEntry({ path: 'z', type: 'X', body: 'z' }),
    /unknown type 'X'/
  ],
  ['a volume label', () => withEntry({ path: 'v', type: 'V' }), /'v' is a volume label/],
  [
    'a part of a file from another volume',
    () => withEntry({ path: 'v', type: 'M' }),
    /'v' is a part of a file/
  ],
  [
    'a sparse file of GNU, a bomb of holes',
    () => withEntry({ path: 's', type: 'S' }),
    /'s' is a sparse file/
  ],
  [
    'a sparse file of GNU whose map of holes follows the header',
    () => withEntry({ path: 's', type: 'S', body: 'x' }),
    /cannot be read beyond 's'/
  ],
  [
    'a sparse file of PAX, whose size is not the size',
    () =>
      withEntry({
        path: 's',
        body: 'x',
        pax: { 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '1099511627776' }
      }),
    /'s' is a sparse file/
  ],
  [
    'a PAX sparse name that replaces the name',
    () => withEntry({ path: 's', body: 'x', pax: { 'GNU.sparse.name': '../../evil' } }),
    /'s' is a sparse file/
  ],
  [
    'a sparse file of star',
    () => withEntry({ path: 's', pax: { 'SCHILY.realsize': '9' } }),
    /'s' is a sparse file/
  ],
  [
    'a path that climbs out',
    () => withEntry({ path: '../evil' }),
    /'\.\.\/evil' has "\.\." in its path/
  ],
  [
    'a path that climbs out from inside',
    () => withEntry({ path: 'a/../../evil' }),
    /has "\.\." in its path/
  ],
  ['a path that ends in ..', () => withEntry({ path: 'a/..' }), /has "\.\." in its path/],
  [
    'a folder that climbs out',
    () => withEntry({ path: '../', type: '5' }),
    /has "\.\." in its path/
  ],
  ['an absolute path', () => withEntry({ path: '/etc/cron.d/evil' }), /has an absolute path/],
  [
    'an absolute path of two slashes',
    () => withEntry({ path: '//host/share' }),
    /has an absolute path/
  ],
  ['the root folder itself', () => withEntry({ path: '/', type: '5' }), /has an absolute path/],
  [
    'a drive letter',
    () => withEntry({ path: 'C:/Windows/evil' }),
    /has a path that begins with a drive letter/
  ],
  ['a path relative to a drive', () => withEntry({ path: 'c:evil' }), /drive letter/],
  [
    'backslashes that Windows reads as separators',
    () => withEntry({ path: '..\\..\\evil' }),
    /has a backslash in its path/
  ],
  [
    'a newline that forges a line of a log',
    () => withEntry({ path: 'a\nERROR: b' }),
    /'a\\x0aERROR: b' has a control character/
  ],
  [
    'an escape sequence for the terminal of who lists it',
    () => withEntry({ path: 'a\x1b[2J' }),
    /'a\\x1b\[2J' has a control/
  ],
  ['a delete character', () => withEntry({ path: 'a\x7f' }), /'a\\x7f' has a control character/],
  [
    'a control character of the second kind',
    () => withEntry({ path: 'a\u0085b' }),
    /'a\\x85b' has a control character/
  ],
  [
    'a NUL in the name, after which C reads nothing',
    () => withEntry({ path: 'safe.txt\0.sh' }),
    /'safe\.txt\\x00\.sh' has a control character/
  ],
  [
    'a NUL in a GNU long name',
    () =>
      Buffer.concat([
        makeTar([project], { end: Buffer.alloc(0) }),
        gnuLongName('a\0b'),
        makeTar([{ path: 'a' }])
      ]),
    /'a\\x00b' has a control character/
  ],
  [
    'a NUL in a PAX path',
    () => withEntry({ path: 'a', pax: { path: 'a\0/../b' } }),
    /control character/
  ],
  ['an empty name', () => withEntry({ path: '' }), /The entry '' has an empty name/],
  ['an empty PAX path', () => withEntry({ path: 'a', pax: { path: '' } }), /has an empty name/],
  ['a file that is called .', () => withEntry({ path: '.' }), /'\.' has an empty name/],
  [
    'a name that is Latin-1',
    () => withEntry({ path: Buffer.from('caf\u00e9', 'latin1') }),
    /'caf\\xe9' has a name that is not UTF-8/
  ],
  [
    'an overlong UTF-8 slash that a lax decoder takes for one',
    () => withEntry({ path: Buffer.from([0x2e, 0x2e, 0xc0, 0xaf, 0x65]) }),
    /'\.\.\\xc0\\xafe' has a name that is not UTF-8/
  ],
  [
    'half of a surrogate pair',
    () => withEntry({ path: Buffer.from([0x61, 0xed, 0xa0, 0x80]) }),
    /not UTF-8/
  ],
  [
    'the same path twice: which one counts depends on the tool',
    () => makeTar([project, project]),
    /'MLproject' is there twice/
  ],
  [
    'the same path twice, once with ./',
    () => makeTar([project, { ...project, path: './MLproject' }]),
    /'\.\/MLproject' is there twice/
  ],
  [
    'the same path twice, once with //',
    () => makeTar([project, { path: 'a/b' }, { path: 'a//b' }]),
    /'a\/\/b' is there twice/
  ],
  [
    'the same folder twice',
    () => makeTar([project, { path: 'a/', type: '5' }, { path: 'a', type: '5' }]),
    /'a' is there twice/
  ],
  [
    'a file and a folder of one name',
    () => makeTar([project, { path: 'a' }, { path: 'a/', type: '5' }]),
    /'a\/' is both a file and a folder/
  ],
  [
    'a folder and a file of one name',
    () => makeTar([project, { path: 'a/', type: '5' }, { path: 'a' }]),
    /'a' is both a file and a folder/
  ],
  [
    'a file where a folder is implied',
    () => makeTar([project, { path: 'a/b' }, { path: 'a' }]),
    /'a' is both a file and a folder/
  ],
  [
    'a file used as a folder',
    () => makeTar([project, { path: 'a' }, { path: 'a/b/c' }]),
    /'a\/b\/c' lies in 'a', which is a file/
  ],
  [
    'two MLproject files that a disk without case takes for one',
    () => makeTar([project, { path: 'mlproject', body: 'name: other' }]),
    /'mlproject' lies beside 'MLproject'; a folder has one MLproject file/
  ],
  [
    'two MLproject files below the root',
    () => makeTar([{ path: 'a/MLProject' }, { path: 'a/MLproject' }]),
    /'a\/MLproject' lies beside 'a\/MLProject'/
  ],
  [
    'a file whose name ends with a slash: a folder for some tools',
    () => withEntry({ path: 'a/', body: 'x' }),
    /'a\/' is a file with "\/" at the end of its name/
  ],
  [
    'a folder with bytes, which some tools take for the next header',
    () => withEntry({ path: 'a/', type: '5', body: 'x' }),
    /cannot be read beyond 'a\/': it says that 1 bytes follow/
  ],
  [
    'a folder with bytes in an old header',
    () => makeTar([project, { path: 'a/', body: 'x' }], { format: 'v7' }),
    /cannot be read beyond 'a\/': it says that 1 bytes follow/
  ],
  [
    'bytes after the end mark, where another tool would find another MLproject',
    () => makeTar([project], { end: Buffer.concat([endMark, makeTar([{ path: 'evil' }])]) }),
    /there are bytes after the end mark of the tar/
  ],
  [
    'one block of zeros with entries behind it, which only --ignore-zeros sees',
    () =>
      makeTar([project], { end: Buffer.concat([Buffer.alloc(512), makeTar([{ path: 'evil' }])]) }),
    /there are bytes after the end mark/
  ],
  [
    'a single byte far after the end mark',
    () => makeTar([project], { end: Buffer.concat([Buffer.alloc(200_000), Buffer.from('x')]) }),
    /bytes after the end mark/
  ],
  [
    'no end mark: who knows what is missing',
    () => makeTar([project], { end: Buffer.alloc(0) }),
    /it is cut short there: a tar ends with blocks of zeros/
  ],
  [
    'a header that is cut',
    () => withEntry({ path: 'a' }).subarray(0, 1200),
    /cannot be read beyond 'MLproject': it is cut short/
  ],
  [
    'a body that is cut',
    () => makeTar([{ path: 'a', body: Buffer.alloc(5000) }]).subarray(0, 3000),
    /cannot be read beyond 'a': it is cut short/
  ],
  [
    'a body that is cut within its padding',
    () => makeTar([{ path: 'a', body: 'abc' }]).subarray(0, 600),
    /cut short/
  ],
  [
    'a wrong checksum',
    () => withEntry({ path: 'a', spoil: block => block.write('b', 0) }),
    /a header has a wrong checksum/
  ],
  [
    'a checksum that is no number',
    () => withEntry({ path: 'a', spoil: block => block.write('zzzzzz', 148) }),
    /wrong checksum/
  ],
  [
    'garbage where a header should be',
    () => makeTar([project], { end: Buffer.alloc(1024, 'garbage ') }),
    /a header has a wrong checksum/
  ],
  [
    'a negative size',
    () => withEntry({ path: 'a', change: block => block.fill(0xff, 124, 136) }),
    /a header has a negative size/
  ],
  [
    'a negative size in octal',
    () => withEntry({ path: 'a', change: block => block.write('-0000000001\0', 124) }),
    /a size that is no octal number/
  ],
  [
    'a size beyond what numbers can hold exactly',
    () =>
      withEntry({ path: 'a', change: block => block.fill(0xff, 125, 136).writeUInt8(0x80, 124) }),
    /a header has a huge size/
  ],
  [
    'a size of 95 bits',
    () => withEntry({ path: 'a', change: block => block.writeUInt8(0x81, 124) }),
    /a header has a huge size/
  ],
  [
    'a size in decimal digits',
    () => withEntry({ path: 'a', change: block => block.write('00000000089\0', 124) }),
    /no octal number/
  ],
  [
    'no size at all',
    () => withEntry({ path: 'a', change: block => block.fill(0, 124, 136) }),
    /a header has no size/
  ],
  [
    'a mode that is no number',
    () => withEntry({ path: 'a', change: block => block.write('rwxr-x', 100) }),
    /a mode that is no octal number/
  ],
  [
    'a user that is no number, where some tools stop and miss the rest',
    () => withEntry({ path: 'a', change: block => block.write('x', 110) }),
    /a header has a user that is no octal number/
  ],
  [
    'a time that is no number',
    () => withEntry({ path: 'a', change: block => block.write('x', 140) }),
    /a header has a time that is no octal number/
  ],
  [
    'a PAX size that hides an entry inside a body, for tools that do not read it',
    () => withEntry({ path: 'a', body: makeTar([{ path: 'evil' }]), pax: { size: '0' } }),
    /an extended header says that 0 bytes follow, and the entry's own header says/
  ],
  [
    'a PAX size that swallows the entries that follow',
    () => makeTar([project, { path: 'a', pax: { size: '1024' } }, { path: 'b', body: 'b' }]),
    /an extended header says that 1024 bytes follow, and the entry's own header says 0/
  ],
  [
    'a negative PAX size',
    () => withEntry({ path: 'a', pax: { size: '-1' } }),
    /a size that is no number of bytes/
  ],
  [
    'a PAX size with an exponent',
    () => withEntry({ path: 'a', pax: { size: '1e3' } }),
    /a size that is no number of bytes/
  ],
  [
    'a PAX size beyond all numbers',
    () => withEntry({ path: 'a', pax: { size: '99999999999999999999' } }),
    /no number of bytes/
  ],
  [
    'a PAX path that climbs out behind a harmless name',
    () => withEntry({ path: 'a', pax: { path: '../../evil' } }),
    /'\.\.\/\.\.\/evil' has "\.\."/
  ],
  [
    'a GNU long name that climbs out behind a harmless name',
    () => Buffer.concat([gnuLongName('../evil'), makeTar([{ path: 'a' }])]),
    /'\.\.\/evil' has "\.\."/
  ],
  [
    'a ustar prefix that climbs out behind a harmless name',
    () => withEntry({ path: 'a', change: block => block.write('../..', 345) }),
    /'\.\.\/\.\.\/a' has "\.\."/
  ],
  [
    'a prefix under GNU magic, which only some tools put before the name',
    () =>
      makeTar([project, { path: 'a', change: block => block.write('..', 345) }], { format: 'gnu' }),
    /'a' has a header with fields that tools read differently/
  ],
  [
    'a prefix in an old header',
    () =>
      makeTar([project, { path: 'a', change: block => block.write('..', 345) }], { format: 'v7' }),
    /fields that tools read differently/
  ],
  [
    'a GNU and a PAX name for one entry',
    () => Buffer.concat([gnuLongName('a'), makeTar([{ path: 'x', pax: { path: 'b' } }])]),
    /'b' has a GNU and a PAX name/
  ],
  [
    'two GNU names for one entry',
    () => Buffer.concat([gnuLongName('a'), gnuLongName('b'), makeTar([project])]),
    /two extended headers of one kind/
  ],
  [
    'two PAX headers for one entry',
    () => Buffer.concat([paxHeader({ path: 'a' }), paxHeader({ path: 'b' }), makeTar([project])]),
    /two extended headers of one kind/
  ],
  [
    'a PAX header that says the path twice',
    () => Buffer.concat([extension('x', Buffer.from('9 path=a\n9 path=b\n')), makeTar([project])]),
    /says twice what "path" is/
  ],
  [
    'a PAX record without a key',
    () => Buffer.concat([extension('x', Buffer.from('7 =../\n')), makeTar([project])]),
    /a record without a key/
  ],
  [
    'a PAX record whose key ends at a NUL for some tools',
    () => Buffer.concat([extension('x', Buffer.from('11 pa\0th=b\n')), makeTar([project])]),
    /a record without a key/
  ],
  [
    'a PAX record that is longer than its header',
    () => Buffer.concat([extension('x', Buffer.from('99 path=a\n')), makeTar([project])]),
    /a record of a wrong length/
  ],
  [
    'a PAX record that ends before its value does',
    () => Buffer.concat([extension('x', Buffer.from('8 path=aaaa\n')), makeTar([project])]),
    /a record of a wrong length/
  ],
  [
    'a PAX record without a length',
    () => Buffer.concat([extension('x', Buffer.from('path=a\n')), makeTar([project])]),
    /a record of a wrong length/
  ],
  [
    'a PAX header that names every entry',
    () => Buffer.concat([paxHeader({ path: 'evil' }, 'g'), makeTar([project])]),
    /global header that says what "path" is/
  ],
  [
    'a PAX header that sizes every entry',
    () => Buffer.concat([paxHeader({ size: '0' }, 'g'), makeTar([project])]),
    /global header that says what "size" is/
  ],
  [
    'an extended header that belongs to nothing',
    () =>
      Buffer.concat([
        makeTar([project], { end: Buffer.alloc(0) }),
        paxHeader({ path: 'a' }),
        endMark
      ]),
    /an extended header belongs to no entry/
  ],
  [
    'a MiB and more of extended headers',
    () => Buffer.concat([extension('x', Buffer.alloc(2 ** 20 + 1)), makeTar([project])]),
    /more than 1048576 bytes of headers/
  ],
  ['an extended header that is cut', () => paxHeader({ path: 'a' }).subarray(0, 600), /cut short/],
  [
    'a name of 256 bytes, one more than disks take',
    () => makeTar([project, { path: `d/${'n'.repeat(256)}` }], { format: 'gnu' }),
    /a name of more than 255 bytes/
  ],
  [
    'a name of 254 letters that are 508 bytes',
    () => makeTar([project, { path: 'é'.repeat(254) }], { format: 'pax' }),
    /a name of more than 255 bytes/
  ],
  [
    'a path of 1,025 bytes',
    () => makeTar([project, { path: `${`${'d'.repeat(127)}/`.repeat(8)}f` }], { format: 'pax' }),
    /has a path of 1025 bytes; 1024 are allowed/
  ],
  [
    '101 folders deep',
    () => makeTar([project, { path: `${'d/'.repeat(101)}f` }], { format: 'gnu' }),
    /lies 101 folders deep; 100 are allowed/
  ],
  [
    '600 folders deep',
    () => makeTar([project, { path: 'd/'.repeat(600), type: '5' }], { format: 'gnu' }),
    /folders deep/
  ],
  [
    'more folders deep than configured',
    () => makeTar([project, { path: 'a/b/c' }]),
    /lies 2 folders deep; 1 are allowed/,
    { limits: { depth: 1 } }
  ],
  [
    'a gzip that is cut',
    () => gzipSync(makeTar([project])).subarray(0, 60),
    /its gzip is damaged or cut short/
  ],
  [
    'a gzip whose checksum is wrong',
    () => spoilt(gzipSync(makeTar([project])), -8),
    /its gzip is damaged/
  ],
  [
    'a gzip whose size is wrong',
    () => spoilt(gzipSync(makeTar([project])), -4),
    /its gzip is damaged/
  ],
  [
    'a gzip with junk after it',
    () => Buffer.concat([gzipSync(makeTar([project])), Buffer.from('junk')]),
    /its gzip is damaged/
  ],
  [
    'a gzip with zeros and junk after it',
    () => Buffer.concat([gzipSync(makeTar([project])), Buffer.alloc(10), Buffer.from('junk')]),
    /bytes after the end of the gzip/
  ],
  [
    'a gzip with zeros and another gzip after it, which some tools read',
    () =>
      Buffer.concat([
        gzipSync(makeTar([project])),
        Buffer.alloc(10),
        gzipSync(makeTar([{ path: 'evil' }]))
      ]),
    /bytes after the end of the gzip/
  ],
  [
    'two tars, a gzip member each: one is hidden from tools that stop at the end mark',
    () => Buffer.concat([gzipSync(makeTar([project])), gzipSync(makeTar([{ path: 'evil' }]))]),
    /there are bytes after the end mark/
  ],
  [
    'a second gzip member that is cut',
    () => Buffer.concat([gzipSync(makeTar([project])), gzipSync('x').subarray(0, 12)]),
    /its gzip is damaged/
  ],
  [
    'a tar with a zip appended, a project for each reader',
    () => makeTar([project], { end: Buffer.concat([endMark, Buffer.from('PK\x03\x04')]) }),
    /bytes after the end mark/
  ]
]

function spoilt(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[copy.length + at] = (copy.at(at) ?? 0) ^ 0xff
  return copy
}

for (const [title, archive, detail, options] of cases) {
  t.test(`refuses ${title}`, async t => {
    const { code, faults } = await refuse(t, archive(), options)
    t.equal(code, 'SUBMISSION_INVALID')
    t.ok(
      faults.some(fault => fault.pointer === '/project' && detail.test(fault.detail)),
      `says ${detail}: ${JSON.stringify(faults)}`
    )
  })
}

t.test('tells all faults of an archive at once', async t => {
  const archive = makeTar([
    { path: '../a\\b' },
    { path: 'c', type: '6' },
    { path: 'd' },
    { path: 'd' },
    { path: 'e', spoil: block => octal(block, 148, 8, 1) }
  ])
  const { faults } = await refuse(t, archive)
  t.strictSame(
    faults.map(fault => fault.detail),
    [
      'The entry \'../a\\b\' has ".." in its path.',
      'The entry \'../a\\b\' has a backslash in its path; "/" separates names.',
      "The entry 'c' is a named pipe; only files and folders are taken.",
      "The entry 'd' is there twice; a name may occur once.",
      "The archive cannot be read beyond 'd': a header has a wrong checksum."
    ]
  )
})

t.test('names a hundred faults and counts the rest', async t => {
  const links = Array.from({ length: 117 }, (_, i) => ({ path: `l${i}`, type: '2' }))
  const { faults } = await refuse(t, makeTar(links))
  t.equal(faults.length, 101)
  t.equal(faults.at(-1)?.detail, 'There are 17 more faults of this kind.')
})

t.test('cuts a name that is shown at 200 characters', async t => {
  const { faults } = await refuse(
    t,
    makeTar([{ path: `../${'n'.repeat(250)}` }], { format: 'gnu' })
  )
  t.equal(faults[0]?.detail, `The entry '../${'n'.repeat(197)}…' has ".." in its path.`)
})

t.test('shows the marks that turn text around', async t => {
  const { faults } = await refuse(t, makeTar([{ path: 'a\u202egpj.py', type: '6' }]))
  t.match(faults[0]?.detail, /^The entry 'a\\u\{202e\}gpj\.py' is a named pipe/)
})

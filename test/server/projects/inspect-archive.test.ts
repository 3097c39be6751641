import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { execa } from 'execa'
import t from 'tap'
import * as tar from 'tar'
import { treeDigest } from '../../../src/server/projects/index.ts'
import { normalArchives } from '../../fixtures/archives/normal.ts'
import { makeRawZip, makeTar, makeZip, zipUnicodePath } from '../../helpers/archives.ts'
import { testFolder } from '../../helpers/folder.ts'
import { inspect } from '../../helpers/inspect.ts'

const text = 'name: normal\nentry_points:\n  main:\n    command: "python train.py"\n'
const code = 'print("hello")\n'
const entries = [
  { path: 'MLproject', body: text },
  { path: 'src/train.py', body: code, mode: 0o755 }
]

const file = (path: string, body: string | Buffer, executable = false) => ({
  path,
  executable,
  sizeBytes: Buffer.byteLength(body),
  sha256: createHash('sha256').update(body).digest('hex')
})

const digest = treeDigest([file('MLproject', text), file('src/train.py', code, true)])

/** A folder for real packers, with the two files. */
const folderOfFiles = { MLproject: text, src: { 'train.py': code } }

async function packed(cwd: string, command: string, args: string[]): Promise<Buffer> {
  const { stdout } = await execa(command, args, { cwd, encoding: 'buffer' })
  return Buffer.from(stdout)
}

for (const { title, files, pack } of normalArchives) {
  t.test(`takes what is packed by ${title}`, async t => {
    const archive = await pack(testFolder(t))
    if (!archive) return t.comment('this system has no such packer')
    const expected = files.map(({ path, body, executable }) => file(path, body, executable))
    t.equal((await inspect(t, archive)).digest, treeDigest(expected))
  })
}

t.test(
  "tells where the project lies when it was packed by its folder's name, or as '.'",
  async t => {
    const packed = async (name: string) => {
      const found = normalArchives.find(({ title }) => title === name)
      return inspect(t, (await found?.pack(testFolder(t))) ?? Buffer.alloc(0))
    }
    t.equal((await packed("the system's tar of a folder by its name")).path, 'project')
    t.equal((await packed("the system's tar --format=gnu, plain")).path, '')
  }
)

t.test(
  'takes a repository with its .git, leaves that out and keeps the commit of HEAD',
  async t => {
    const folder = t.testdir(folderOfFiles)
    const git = (...args: string[]) => packed(folder, 'git', args)
    await git('init', '--quiet')
    await git('add', '.')
    const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
    await git(...author, 'commit', '--quiet', '--message=first', '--no-gpg-sign')
    const commit = String(await git('rev-parse', 'HEAD')).trim()

    const loose = await packed(folder, 'tar', ['-czf', '-', '.'])
    await git('pack-refs', '--all')
    const packedRefs = await packed(folder, 'tar', ['-czf', '-', '.'])

    for (const archive of [loose, packedRefs]) {
      const { gitCommit, files, warnings } = await inspect(t, archive)
      t.equal(gitCommit, commit)
      t.strictSame([...files.paths()].sort(), ['MLproject', 'src/train.py'])
      t.match(warnings, [/^left out: \.git \(\d+ entries\)$/])
    }
  }
)

t.test('reads a detached HEAD, and none where it is no commit', async t => {
  const commit = 'a'.repeat(40)
  const withHead = (head: string) => makeTar([...entries, { path: '.git/HEAD', body: head }])
  t.equal((await inspect(t, withHead(`${commit}\n`))).gitCommit, commit)
  t.equal((await inspect(t, withHead('ref: refs/heads/main\n'))).gitCommit, null)
  t.equal((await inspect(t, withHead('ref: ../../etc/passwd\n'))).gitCommit, null)
  t.equal((await inspect(t, makeTar(entries))).gitCommit, null)
})

t.test('takes HEAD from the repository nearest to the project', async t => {
  const head = (path: string, digit: string) => ({ path, body: digit.repeat(40) })
  const archive = makeTar([
    head('.git/HEAD', 'a'),
    head('sub/.git/HEAD', 'b'),
    head('sub/project/other/.git/HEAD', 'c'),
    { path: 'sub/project/MLproject' }
  ])
  const { gitCommit } = await inspect(t, archive, { path: 'sub/project' })
  t.equal(gitCommit, 'b'.repeat(40))
})

t.test('takes a name of a zip from the field that has it in UTF-8', async t => {
  const raw = Buffer.from([0x82, 0x2e, 0x74, 0x78, 0x74])
  const extra = zipUnicodePath(raw, 'é.txt')
  const archive = makeRawZip([{ name: 'MLproject' }, { name: raw, extra, local: { extra } }])
  t.ok((await inspect(t, archive)).files.has('é.txt'))
})

t.test("leaves out macOS's noise, which does not count for where the project lies", async t => {
  const archive = await makeZip([
    { path: 'project/MLproject', body: text },
    { path: 'project/.DS_Store', body: 'x' },
    { path: '__MACOSX/project/._MLproject', body: 'x' },
    { path: '__MACOSX/._project', body: 'x' },
    { path: '._project', body: 'x' }
  ])
  const { path, files, warnings } = await inspect(t, archive)
  t.equal(path, 'project')
  t.strictSame([...files.paths()], ['project/MLproject'])
  t.strictSame(warnings, [
    'left out: __MACOSX (2 entries)',
    'left out: ._* (1 entry)',
    'left out: .DS_Store (1 entry)'
  ])
})

t.test('leaves out links that lie in .git', async t => {
  const archive = makeTar([...entries, { path: '.git/link', type: '2', linkPath: '/etc' }])
  t.equal((await inspect(t, archive)).digest, digest)
})

t.test('takes files that only look like what is left out', async t => {
  const archive = makeTar([
    ...entries,
    { path: '.gitignore' },
    { path: '.github/x.yml' },
    { path: 'a.git/b' }
  ])
  const { fileCount, warnings } = await inspect(t, archive)
  t.equal(fileCount, 5)
  t.strictSame(warnings, [])
})

t.test('keeps two names that differ by their Unicode form as two files', async t => {
  const archive = makeTar([
    ...entries,
    { path: 'e\u0301', body: '1' },
    { path: '\u00e9', body: '2' }
  ])
  t.equal((await inspect(t, archive)).fileCount, 4)
})

t.test('keeps a folder beside a project file of the same name in another case', async t => {
  const archive = makeTar([
    { path: 'MLProject/', type: '5' },
    { path: 'MLproject', body: text }
  ])
  t.equal((await inspect(t, archive)).path, '')
})

t.test('keeps empty folders, which do not count in the digest', async t => {
  const { digest: found, archive } = await inspect(
    t,
    makeTar([...entries, { path: 'empty/', type: '5' }])
  )
  const names: string[] = []
  await tar.list({ file: archive.path, onReadEntry: entry => names.push(entry.path) })
  t.equal(found, digest)
  t.ok(names.includes('empty/'))
})

t.test(
  'writes the project anew: same bytes, modes 644 and 755, no set-id bit, no owner, no time',
  async t => {
    const long = `${'long/'.repeat(40)}ünicode.bin`
    const body = Buffer.alloc(3 * 2 ** 20, 'bytes ')
    const source = makeTar(
      [
        ...entries,
        { path: 'setuid', mode: 0o6755 },
        { path: 'secret', mode: 0o600 },
        { path: long, body }
      ],
      { format: 'pax' }
    )
    const { archive, unpackedBytes, fileCount } = await inspect(t, gzipSync(source))

    const seen: Record<string, unknown> = {}
    await tar.list({
      file: archive.path,
      strict: true,
      onReadEntry: ({ path, mode, uid, gid, mtime, size }) => {
        seen[path] = [mode, uid, gid, mtime?.getTime(), size]
      }
    })
    t.strictSame(seen, {
      MLproject: [0o644, 0, 0, 0, text.length],
      'src/train.py': [0o755, 0, 0, 0, code.length],
      setuid: [0o755, 0, 0, 0, 0],
      secret: [0o644, 0, 0, 0, 0],
      [long]: [0o644, 0, 0, 0, body.length]
    })
    t.equal(fileCount, 5)
    t.equal(unpackedBytes, text.length + code.length + body.length)
    t.equal((await stat(archive.path)).mode & 0o777, 0o600)
  }
)

t.test(
  'writes what the system can unpack, and what is inspected again as the same project',
  async t => {
    const { archive } = await inspect(t, makeTar([...entries, { path: 'größe', body: 'x' }]))
    const bytes = await readFile(archive.path)
    const again = await inspect(t, bytes)
    const out = t.testdir({})
    await execa('tar', ['-xzf', '-'], { cwd: out, input: bytes })
    t.equal(await readFile(`${out}/src/train.py`, 'utf8'), code)
    t.equal(await readFile(`${out}/größe`, 'utf8'), 'x')
    t.equal(again.fileCount, 3)
  }
)

t.test('keeps the texts that describe a project, without a byte order mark', async t => {
  const archive = makeTar([
    { path: 'MLproject', body: `\ufeff${text}` },
    { path: 'conda.yaml', body: 'name: a' },
    { path: 'sub/Env.YML', body: 'b' },
    { path: 'requirements.txt', body: 'mlflow' },
    { path: 'latin.txt', body: Buffer.from('\xe9', 'latin1') },
    { path: 'large.txt', body: 'x'.repeat(2 ** 20 + 1) },
    { path: 'train.py', body: code }
  ])
  const { files } = await inspect(t, archive)
  t.equal(files.read('MLproject'), text)
  t.equal(files.read('conda.yaml'), 'name: a')
  t.equal(files.read('sub/Env.YML'), 'b')
  t.equal(files.read('requirements.txt'), 'mlflow')
  t.equal(files.read('latin.txt'), undefined)
  t.equal(files.read('large.txt'), undefined)
  t.equal(files.read('train.py'), undefined)
  t.ok(files.has('large.txt'))
  t.notOk(files.has('sub'))
})

t.test('keeps the MLproject file even after more texts than can be kept', async t => {
  const data = Array.from({ length: 8 }, (_, i) => ({
    path: `${i}.txt`,
    body: 'x'.repeat(2 ** 20)
  }))
  const { files } = await inspect(t, makeTar([...data, { path: 'MLproject', body: text }]))
  t.equal(files.read('MLproject'), text)
  t.equal(data.filter(({ path }) => files.read(path) !== undefined).length, 6)
})

t.test("tells what the project's Python files do, and not what others do", async t => {
  const archive = makeTar([
    { path: 'a/MLproject' },
    { path: 'a/train.py', body: 'import mlflow\nmlflow.set_experiment("A")\n' },
    { path: 'b/MLproject' },
    { path: 'b/train.py', body: 'import mlflow\nmlflow.set_tracking_uri("x")\n' }
  ])
  const { hints } = await inspect(t, archive, { path: 'a' })
  t.strictSame(hints, { experiments: ['A'], dynamicExperiment: false, setsTrackingUri: false })
})

t.test('takes a project right at its limits', async t => {
  const path = `${'d/'.repeat(3)}${'n'.repeat(20)}`
  const archive = makeTar([
    { path: 'MLproject', body: '12345' },
    { path, body: '12345' }
  ])
  const limits = { files: 3, depth: 3, nameBytes: 20, pathBytes: 26, unpackedBytes: 10 }
  t.equal((await inspect(t, archive, { limits })).fileCount, 2)
})

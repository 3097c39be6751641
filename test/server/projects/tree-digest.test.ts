import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { execa } from 'execa'
import t from 'tap'
import { defaultLimits, treeDigest } from '../../../src/server/projects/index.ts'

const page = await readFile(new URL('../../../docs/projects.md', import.meta.url), 'utf8')

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const file = (path: string, text: string, executable = false) => ({
  path,
  executable,
  sizeBytes: Buffer.byteLength(text),
  sha256: sha256(text)
})

const example = [file('MLproject', 'name: demo\n'), file('run.sh', 'echo hello\n', true)]

t.test('is what the documentation works out', async t => {
  const block = /```\n(MLproject[^`]*)```/.exec(page)?.[1] ?? ''
  const lines = block.replaceAll('\n', '').replaceAll('\\0', '\0').replaceAll('\\n', '\n')
  const digest = /has the digest `(sha256:[0-9a-f]{64})`/.exec(page)?.[1]
  t.equal(`sha256:${sha256(lines)}`, digest)
  t.equal(treeDigest(example), digest)
})

t.test('is what the commands in the documentation print', async t => {
  const folder = t.testdir({ MLproject: 'name: demo\n', 'run.sh': 'echo hello\n' })
  await execa('chmod', ['755', 'run.sh'], { cwd: folder })
  const commands = /```sh\n([^`]*)```/.exec(page)?.[1] ?? ''
  const { stdout } = await execa('bash', ['-c', commands], { cwd: folder })
  t.equal(`sha256:${stdout}`, treeDigest(example))
})

t.test('does not depend on the order of the files', async t => {
  t.equal(treeDigest(example.toReversed()), treeDigest(example))
})

t.test('sorts by the UTF-8 bytes of the paths, not by UTF-16', async t => {
  const [late, early] = [file('\u{1f600}', ''), file('\uffee', '')]
  const lines = [early, late].map(({ path, sha256 }) => `${path}\0-\x000\0${sha256}\n`)
  t.equal(treeDigest([late, early]), `sha256:${sha256(lines.join(''))}`)
})

t.test('changes with a path, a mode, a size or a byte', async t => {
  const [first = file('', '')] = example
  const digests = [
    first,
    { ...first, path: 'mlproject' },
    { ...first, executable: true },
    { ...first, sizeBytes: 12 },
    { ...first, sha256: sha256('other') }
  ].map(changed => treeDigest([changed]))
  t.equal(new Set(digests).size, digests.length)
})

t.test('of no files is the digest of nothing', async t => {
  t.equal(treeDigest([]), `sha256:${sha256('')}`)
})

t.test('the documentation tells the default limits', async t => {
  const told = [...page.matchAll(/^\| [a-z].* \| ([\d,]+)( GiB)? \|/gm)].map(
    ([, digits = '', unit]) => Number(digits.replace(',', '')) * (unit ? 2 ** 30 : 1)
  )
  const { uploadBytes, files, unpackedBytes, ratio, depth, nameBytes, pathBytes } = defaultLimits
  t.strictSame(told, [uploadBytes, files, unpackedBytes, ratio, depth, nameBytes, pathBytes])
})

import { createHash } from 'node:crypto'
import { chmod, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { makeZip } from '../helpers/archives.ts'
import { inspect } from '../helpers/inspect.ts'
import { packFolder } from '../helpers/project.ts'
import { python } from '../helpers/python.ts'

const root = join(import.meta.dirname, '../..')

const digest = (...words: string[]) =>
  execa(process.execPath, [join(root, 'scripts/digest.ts'), ...words], {
    reject: false,
    stripFinalNewline: false
  })

/** A folder with all that matters to the digest. */
async function projectFolder(t: Test): Promise<string> {
  const folder = t.testdir({
    MLproject: 'entry_points: {main: {command: sh run.sh}}\n',
    'run.sh': 'echo hello\n',
    empty: {},
    data: { '\uffee': 'early', '\u{1f600}': 'late', 'a b': '' },
    '.git': { HEAD: 'ref: refs/heads/main\n' },
    '.DS_Store': 'noise',
    __MACOSX: { '._run.sh': 'noise' }
  })
  await chmod(join(folder, 'run.sh'), 0o755)
  return folder
}

t.test('is the one that the service computes of an archive of the folder', async t => {
  const folder = await projectFolder(t)
  const archive = Buffer.from(await (await packFolder(folder)).arrayBuffer())

  // Where the archive is inspected is another folder of the test's own.
  await t.test('by the service', async t => {
    const project = await inspect(t, archive)
    t.equal((await digest(folder)).stdout, `${project.digest}\n`)
  })
})

t.test('is that of an archive, too', async t => {
  const folder = t.testdir({ project: { MLproject: 'name: demo\n' } })
  const archive = join(folder, 'code.zip')
  await writeFile(archive, await makeZip([{ path: 'MLproject', body: 'name: demo\n' }]))

  t.equal((await digest(archive)).stdout, (await digest(join(folder, 'project'))).stdout)
})

t.test('the lines that are hashed give the digest', async t => {
  const folder = await projectFolder(t)

  const { stdout } = await digest('--list', folder)

  t.match(stdout, 'run.sh\0x\x0011\0')
  const sha256 = createHash('sha256').update(stdout).digest('hex')
  t.equal((await digest(folder)).stdout, `sha256:${sha256}\n`)
})

t.test('the Python in the documentation prints the same', async t => {
  const folder = await projectFolder(t)
  const page = await readFile(join(root, 'docs/projects.md'), 'utf8')
  const program = /```python\n([^`]*)```/.exec(page)?.[1] ?? ''

  const { stdout } = await execa(python(), ['-c', program, folder])

  t.equal(`${stdout}\n`, (await digest(folder)).stdout)
})

t.test('what the service would refuse has no digest, and every reason is told', async t => {
  const folder = t.testdir({ 'train.py': '', 'a\\b': '' })
  await symlink('train.py', join(folder, 'link'))

  const { exitCode, stdout, stderr } = await digest(folder)

  t.equal(exitCode, 1)
  t.equal(stdout, '')
  t.match(stderr, "The entry 'link' is a symbolic link; only files and folders are taken.\n")
  t.match(stderr, 'has a backslash in its path')
})

t.test('where there is no MLproject file, it is said where to look', async t => {
  const folder = t.testdir({ a: { MLproject: '' }, b: { MLproject: '' } })

  t.match((await digest(folder)).stderr, 'name the folder in the field "path"')
  t.match((await digest('--path', 'a', folder)).stdout, /^sha256:[0-9a-f]{64}\n$/)
})

t.test('it says how it is used, and what is not there', async t => {
  const folder = join(t.testdir(), 'nowhere')

  t.match((await digest('--help')).stdout, 'npm run digest')
  t.match(await digest(folder), { exitCode: 1, stderr: `There is no ${folder}.\n` })
})

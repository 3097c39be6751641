import { cpSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { create } from 'tar'
import { type ContainerTree, containerTree } from '../../src/contract/container.ts'
import { fetchCode as fetchFrom } from '../../src/runtime/fetch-code.ts'

/** S3 is not asked here: test/runtime/code-in-s3.long.ts. */
const fetchCode = (tree: ContainerTree, submitDirectory?: string) =>
  fetchFrom(tree, submitDirectory, async uri => void t.fail(uri))

const project = { MLproject: 'name: x', src: { 'train.py': 'print(1)' } }

async function archive(folder: string, name = 'code.tar.gz') {
  const file = join(folder, name)
  await create({ cwd: join(folder, 'project'), file, gzip: name.endsWith('gz') }, ['.'])
  return file
}

t.test('code comes from a folder or an archive, by path or file:// URI', async t => {
  const folder = t.testdir({ project })
  const sources = [
    join(folder, 'project'),
    await archive(folder),
    await archive(folder, 'code.tar')
  ]
  for (const [index, source] of [
    ...sources,
    ...sources.map(x => `${pathToFileURL(x)}`)
  ].entries()) {
    const tree = containerTree(join(folder, `ml${index}`))

    t.equal(await fetchCode(tree, source), tree.code)

    t.equal(readFileSync(join(tree.code, 'src/train.py'), 'utf8'), 'print(1)', source)
  }
})

t.test('code comes from the channel, as an archive or as it is', async t => {
  const folder = t.testdir({ project, a: { input: { data: { code: {} } } }, b: {} })
  cpSync(join(folder, 'project'), join(folder, 'b/input/data/code'), { recursive: true })
  await create(
    {
      cwd: join(folder, 'project'),
      file: join(folder, 'a/input/data/code/sourcedir.tar.gz'),
      gzip: true
    },
    ['.']
  )
  for (const base of ['a', 'b']) {
    const tree = containerTree(join(folder, base))
    await fetchCode(tree)
    t.equal(readFileSync(join(tree.code, 'MLproject'), 'utf8'), 'name: x')
  }
})

t.test('code that lies in the code folder already is run there', async t => {
  const tree = containerTree(t.testdir({ code: project }))
  t.equal(await fetchCode(tree), tree.code)
  t.equal(await fetchCode(tree, tree.code), tree.code)
})

t.test('code is never mixed with what the code folder holds', async t => {
  const folder = t.testdir({ project, ml: { code: { old: '' } } })
  const tree = containerTree(join(folder, 'ml'))
  await t.rejects(fetchCode(tree, join(folder, 'project')), { kind: 'user', message: /not empty/ })
})

t.test('code that cannot be had is told with what would be right', async t => {
  const tree = containerTree(t.testdir({ 'x.tar.gz': 'no archive' }))
  for (const [source, message] of [
    [undefined, /There is no code: set the hyperparameter sagemaker_submit_directory/],
    ['/nowhere/code', /there is no \/nowhere\/code/],
    [join(tree.base, 'x.tar.gz'), /cannot be unpacked: .* It must be a \.tar\.gz or \.tar file/]
  ] as const) {
    await t.rejects(fetchCode(tree, source), { kind: 'user', message }, `${source}`)
  }
})

t.test('an archive with a link is refused, and set-id bits are dropped', async t => {
  const folder = t.testdir({ project, tool: '', target: 'secret' })
  symlinkSync(join(folder, 'target'), join(folder, 'project/link'))
  const linked = await archive(folder)
  await t.rejects(fetchCode(containerTree(join(folder, 'ml')), linked), {
    message: /holds ".*link", which is neither a file nor a folder/
  })

  const tree = containerTree(join(folder, 'other'))
  mkdirSync(join(folder, 'bits'))
  const file = join(folder, 'bits.tar.gz')
  await create(
    { cwd: folder, file, gzip: true, onWriteEntry: entry => void setMode(entry, 0o104755) },
    ['tool']
  )
  await fetchCode(tree, file)
  t.equal(statSync(join(tree.code, 'tool')).mode & 0o7000, 0)
})

const setMode = (entry: { stat?: { mode: number } }, mode: number) => {
  if (entry.stat) entry.stat.mode = mode
}

t.test('an archive cannot write outside of the code folder', async t => {
  const folder = t.testdir({ evil: '' })
  mkdirSync(join(folder, 'deep'))
  const file = join(folder, 'evil.tar.gz')
  await create({ cwd: join(folder, 'deep'), file, gzip: true, preservePaths: true }, ['../evil'])
  const base = join(folder, 'deep/ml')
  await t.rejects(fetchCode(containerTree(base), file), {
    message: /cannot be unpacked: .*path contains '\.\.'/
  })
})

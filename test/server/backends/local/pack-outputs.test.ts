import { link, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { extract, list } from 'tar'
import { jobFolder } from '../../../../src/server/backends/local/job-folder.ts'
import { packOutputs } from '../../../../src/server/backends/local/pack-outputs.ts'
import { testFolder } from '../../../helpers/folder.ts'

t.test('what an archive cannot hold is left out, in whichever order it comes', async t => {
  for (let n = 0; n < 20; n++) {
    const folder = jobFolder(join(testFolder(t), `job-${n}`))
    const { model } = folder.tree
    await mkdir(model, { recursive: true })
    await writeFile(join(model, `${n}-honest`), 'honest')
    await symlink('honest', join(model, `link-${n}`))
    await execa('mkfifo', [join(model, `${n}-first`), join(model, `last-${n}`)])

    await packOutputs(folder)

    const names: string[] = []
    await list({ file: folder.modelArchive, onReadEntry: ({ path }) => names.push(path) })
    t.same(new Set(names), new Set([`./${n}-honest`, `./link-${n}`]))
  }
})

t.test('small files come before large ones, so that none is read behind them', async t => {
  const folder = jobFolder(join(testFolder(t), 'job'))
  const { model } = folder.tree
  await mkdir(join(model, 'a', 'empty'), { recursive: true })
  await writeFile(join(model, 'a', 'weights'), Buffer.alloc(3_000_000))
  await writeFile(join(model, 'b'), Buffer.alloc(70_000))
  await writeFile(join(model, '@MLmodel'), 'flavors: {}')
  await writeFile(join(model, 'none'), '')

  await packOutputs(folder)

  const names: string[] = []
  await list({ file: folder.modelArchive, onReadEntry: ({ path }) => names.push(path) })
  t.same(names, ['./a/', './a/empty/', './none', './@MLmodel', './b', './a/weights'])
})

t.test('a file with two names is there under both', async t => {
  const folder = jobFolder(join(testFolder(t), 'job'))
  const { model } = folder.tree
  await mkdir(join(model, 'b'), { recursive: true })
  await writeFile(join(model, 'b', 'one'), 'the same')
  await link(join(model, 'b', 'one'), join(model, 'two'))

  // As a link, one in some tens was not packed.
  for (let n = 0; n < 200; n++) await packOutputs(folder)

  const cwd = join(folder.path, 'unpacked')
  await mkdir(cwd)
  await extract({ file: folder.modelArchive, cwd })
  for (const name of ['b/one', 'two']) t.equal(await readFile(join(cwd, name), 'utf8'), 'the same')
})

t.test('a link to a folder is packed as a link, and not followed', async t => {
  const folder = jobFolder(join(testFolder(t), 'job'))
  const { model } = folder.tree
  await mkdir(join(model, 'a'), { recursive: true })
  await symlink('..', join(model, 'a', 'up'))
  await symlink('/etc', join(model, 'etc'))

  await packOutputs(folder)

  const entries: string[] = []
  await list({
    file: folder.modelArchive,
    onReadEntry: ({ path, type }) => entries.push(`${type} ${path}`)
  })
  t.same(entries.sort(), ['Directory ./a/', 'SymbolicLink ./a/up', 'SymbolicLink ./etc'])
})

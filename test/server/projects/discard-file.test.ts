import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { discardFile } from '../../../src/server/projects/index.ts'

t.test('removes the file', async t => {
  const file = join(t.testdir(), 'file')
  await writeFile(file, '')
  await discardFile(file)
  await t.rejects(writeFile(file, '', { flag: 'r+' }), { code: 'ENOENT' })
})

t.test('does not throw where nothing can be removed', async t => {
  const folder = t.testdir({ file: '' })
  await t.resolves(discardFile(join(folder, 'nothing')))
  await t.resolves(discardFile(folder), 'a folder is no file')
})

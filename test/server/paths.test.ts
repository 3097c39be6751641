import { rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { createPaths } from '../../src/server/paths.ts'
import { testFolder } from '../helpers/folder.ts'

t.test('each path is looked up once, and anew by the next request', async t => {
  const file = `${testFolder(t)}/a`
  await writeFile(file, '')
  const paths = createPaths()
  t.strictSame([await paths.real(file), await paths.kind(file)], [file, 'file'])
  await rm(file)
  t.strictSame([await paths.real(file), await paths.kind(file)], [file, 'file'])
  const next = createPaths()
  t.strictSame([await next.real(file), await next.kind(file)], [undefined, 'other'])
})

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createStoredProjects } from '../../../src/server/jobs/stored-projects.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import type { Storage } from '../../../src/server/storage/index.ts'
import { testFolder } from '../../helpers/folder.ts'

const key = 'projects/a.tar.gz'

t.test('a project that was stored before, and is still the same, is not stored again', async t => {
  const { projects, archive, puts, stored } = setUp(t)

  await projects.ensure(key, archive)
  await projects.ensure(key, archive)

  t.strictSame(puts, [key])
  t.equal(stored(), 'archive')
  t.ok(existsSync(archive.path), 'the archive stays with whoever has it')
})

t.test('one that is gone is stored again', async t => {
  const { projects, archive, puts, stored, storage } = setUp(t)
  await projects.ensure(key, archive)
  await storage.remove(key)

  await projects.ensure(key, archive)

  t.strictSame(puts, [key, key])
  t.equal(stored(), 'archive')
})

t.test(
  'one that is there, but is not the one that was stored here, may not be on the disk yet',
  async t => {
    const { projects, archive, puts, storage, file } = setUp(t)
    await storage.put(key, file('another'))

    await projects.ensure(key, archive)
    await storage.remove(key)
    await storage.put(key, file('another'))
    await projects.ensure(key, archive)

    t.strictSame(puts, [key, key])
  }
)

t.test('what could not be stored is tried again', async t => {
  const { projects, archive, puts, folder } = setUp(t)
  writeFileSync(join(folder, 'root/projects'), 'in the way')

  await t.rejects(projects.ensure(key, archive), { code: 'STORAGE_UNAVAILABLE' })
  await t.rejects(projects.ensure(key, archive), { code: 'STORAGE_UNAVAILABLE' })

  t.strictSame(puts, [key, key])
  t.notOk(existsSync(`${archive.path}.put`))
})

t.test('so many are known, and those of long ago are stored again', async t => {
  const { projects, archive, puts } = setUp(t, 2)

  for (const name of ['a', 'b', 'c', 'b', 'c', 'a']) await projects.ensure(name, archive)

  t.strictSame(puts, ['a', 'b', 'c', 'a'])
})

function setUp(t: Test, mostKnown?: number) {
  const folder = testFolder(t)
  const root = join(folder, 'root')
  mkdirSync(root)
  const storage = createFilesystem(root)
  const puts: string[] = []
  const watched: Pick<Storage, 'put' | 'stat'> = {
    stat: storage.stat,
    put(key, ...rest) {
      puts.push(key)
      return storage.put(key, ...rest)
    }
  }
  const file = (text: string) => {
    const path = join(folder, text)
    writeFileSync(path, text)
    return path
  }
  return {
    folder,
    storage,
    puts,
    file,
    projects: createStoredProjects(watched, mostKnown),
    archive: { path: file('archive') },
    stored: () => readFileSync(join(root, key), 'utf8')
  }
}

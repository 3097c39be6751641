/** Locks that a program can spoil: a walled one can write into the runtime's, and nothing more; any other can do anything. */
import { once } from 'node:events'
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { isHeld } from '../../../../src/server/backends/local/is-held.ts'

const holdLock = join(import.meta.dirname, '../../../fixtures/hold-lock.ts')

async function held(t: Test) {
  const file = join(t.testdir({ other: 'the text of another' }), 'runtime.lock')
  const holder = execa(process.execPath, [holdLock, file], { reject: false })
  t.teardown(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  const kill = async () => {
    holder.kill('SIGKILL')
    await holder
  }
  return { file, kill }
}

const database = Buffer.alloc(8192, 0xff)
database.write('SQLite format 3\0')

for (const [what, spoil] of [
  ['nothing in it', async () => {}],
  ['text in it', file => writeFile(file, 'garbage')],
  ['zeros in it', file => writeFile(file, Buffer.alloc(9000))],
  ['half a database in it', file => writeFile(file, database)],
  ['no right to read it', file => chmod(file, 0)]
] as [string, (file: string) => Promise<void>][])
  t.test(`a lock with ${what} is held as long as its holder lives`, async t => {
    const { file, kill } = await held(t)
    await spoil(file)
    t.equal(isHeld(file), true)
    await spoil(file)
    t.equal(isHeld(file), true, 'the look gave nothing back')

    await spoil(file)
    await kill()
    t.equal(isHeld(file), false)
  })

t.test('what was put in the place of a lock is nobody’s', async t => {
  const { file } = await held(t)
  const other = join(file, '../other')
  await rm(file)
  await mkdir(file)
  t.equal(isHeld(file), false)
  await rm(file, { recursive: true })
  await symlink(other, file)
  t.equal(isHeld(file), false)
  t.equal(await readFile(other, 'utf8'), 'the text of another')
})

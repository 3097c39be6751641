/** Real builds of a small environment. */
import { readdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { preparePython } from '../../../../src/server/backends/local/python.ts'
import { preparation } from '../../../helpers/preparation.ts'

t.test(
  'builds an environment once, finds it again, and anew when its interpreter is gone',
  async t => {
    const { folder, said, options } = preparation(t)
    const [first, second] = await Promise.all([preparePython(options), preparePython(options)])
    t.equal(first.python, second.python)
    t.equal(said.filter(text => text.startsWith('creating a virtual environment')).length, 1)
    t.ok(said.includes('waiting for another process that prepares it'))
    t.match(said.at(-1), /^done in \d+ s$/)

    const { stdout } = await execa(first.python, ['-c', 'import idna; print(idna.__cached__)'])
    t.match(stdout, /\.pyc$/)
    await execa(join(first.bin, 'uv'), ['--version'])

    said.length = 0
    t.strictSame(await preparePython(options), first)
    t.strictSame(said, [])
    const before = await readdir(folder)
    t.equal(before.length, 3, 'the link, what it leads to, the lock')

    await rm(first.python)
    await symlink('/nowhere/python', first.python)
    t.strictSame(await preparePython(options), first)
    t.match(said.at(-1), /^done in \d+ s$/)
    t.equal((await readdir(folder)).length, before.length, 'the ruin is removed')
  }
)

t.test('a build that is cut off leaves nothing that counts as whole', async t => {
  const { folder, options } = preparation(t)
  const cut = new AbortController()
  const onProgress = (text: string) => {
    if (text.startsWith('downloading uv')) cut.abort()
  }
  await t.rejects(preparePython({ ...options, onProgress, signal: cut.signal }))
  t.match(await readdir(folder), [/\.lock$/])
  t.equal((await readdir(folder)).length, 1)
})

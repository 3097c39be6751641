/** Sweeps over folders as build-once.ts and uv leave them; they are as old as the test says. */
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { link, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import {
  type KeepEnvironments,
  sweepEnvironments
} from '../../../../src/server/backends/local/sweep-environments.ts'
import { buildOnce } from '../../../../src/system/build-once.ts'
import { lastUse, use } from '../../../../src/system/in-use.ts'
import { tryLock } from '../../../../src/system/lock.ts'
import { testFolder } from '../../../helpers/folder.ts'
import { noStrace, strace } from '../../../helpers/strace.ts'

const day = 24 * 60 * 60 * 1000
const fixtures = join(import.meta.dirname, '../../../fixtures')
const keyOf = (letter: string) => letter.repeat(64)

async function stage(t: Test) {
  const folder = testFolder(t)
  const root = join(folder, 'environments')
  const cache = join(folder, 'cache', 'uv')
  const said: string[] = []
  await mkdir(cache, { recursive: true })
  await mkdir(root)
  await writeFile(join(cache, 'wheel'), Buffer.alloc(100_000, 'w'))

  async function usedDaysAgo(path: string, days: number): Promise<void> {
    const held = await use(path)
    held.release()
    const at = new Date(Date.now() - days * day)
    await utimes(`${path}.use`, at, at)
  }
  /** Built by an interpreter of that home, and used so many days ago. */
  async function environment(letter: string, days: number, home = '/usr/bin'): Promise<string> {
    const key = keyOf(letter)
    await buildOnce({
      root,
      key,
      onWait() {},
      async build(folder) {
        await mkdir(join(folder, 'venv'))
        await writeFile(join(folder, 'venv', 'pyvenv.cfg'), `home = ${home}\n`)
        await writeFile(join(folder, 'own'), Buffer.alloc(100_000, letter))
        await link(join(cache, 'wheel'), join(folder, 'shared'))
      }
    })
    await usedDaysAgo(join(root, key), days)
    return join(root, key)
  }
  const letters = () =>
    readdirSync(root)
      .flatMap(name => (/^(.)\1{63}$/.exec(name)?.[1] ? [name[0]] : []))
      .sort()
  const sweep = (keep: Partial<KeepEnvironments> = {}) =>
    sweepEnvironments({
      folder,
      milliseconds: 30 * day,
      bytes: Infinity,
      say: text => void said.push(text),
      ...keep
    })
  await usedDaysAgo(join(root, 'building'), 1)
  return { folder, root, cache, said, environment, usedDaysAgo, letters, sweep }
}

/** A job's runtime, as far as the sweep knows of it. */
async function user(t: Test, path: string) {
  const other = execa(process.execPath, [join(fixtures, 'use-folder.ts'), path], { reject: false })
  t.teardown(() => other.kill('SIGKILL'))
  t.match(`${(await once(other.stdout, 'data'))[0]}`, 'used')
  return {
    async end() {
      other.kill('SIGKILL')
      await other
    }
  }
}

/** Without what only tells of locks. */
const entries = (folder: string) => readdirSync(folder).filter(name => !/\.(use|lock)$/.test(name))

t.test('an environment goes when no job has used it for long enough', async t => {
  const { environment, letters, said, sweep, root } = await stage(t)
  await environment('a', 31)
  await environment('b', 29)
  await sweep()
  t.same(letters(), ['b'])
  t.equal(entries(root).length, 2, 'its folder is gone, too')
  t.match(said, [/^The environment a{64} was removed: no job has used it since 2/])
})

t.test('one that a job of another process uses stays, and that is a use', async t => {
  const { environment, letters, sweep } = await stage(t)
  const path = await environment('a', 0)
  const job = await user(t, path)
  const long = new Date(Date.now() - 31 * day)
  await utimes(`${path}.use`, long, long)

  await sweep({ bytes: 0 })

  t.same(letters(), ['a'])
  t.ok(Date.now() - (await lastUse(path)).getTime() < day)
  await job.end()
  await sweep()
  t.same(letters(), ['a'], 'it was used until now')
  await sweep({ bytes: 0 })
  t.same(letters(), [])
})

t.test('who comes while one is being removed waits, and builds it anew', async t => {
  const { root, environment, letters, sweep } = await stage(t)
  await environment('a', 31)
  const [, built] = await Promise.all([
    sweep(),
    use(join(root, keyOf('a'))).then(() =>
      buildOnce({ root, key: keyOf('a'), onWait() {}, build: async () => {} })
    )
  ])
  t.ok(existsSync(built.folder))
  t.same(letters(), ['a'])
})

t.test('by size the packages go first, then what was used longest ago', async t => {
  const { environment, cache, letters, sweep } = await stage(t)
  await environment('a', 3)
  await environment('b', 1)
  await environment('c', 2)
  await sweep({ bytes: 1_000_000 })
  t.ok(existsSync(cache))
  await sweep({ bytes: 450_000 })
  t.notOk(existsSync(cache))
  t.same(letters(), ['a', 'b', 'c'], 'what the cache had in common with them is still theirs')
  await sweep({ bytes: 350_000 })
  t.same(letters(), ['b', 'c'])
})

t.test('packages stay while an environment is built, however much there is', async t => {
  const { root, cache, sweep } = await stage(t)
  const job = await user(t, join(root, 'building'))
  await sweep({ bytes: 0 })
  t.ok(existsSync(cache))
  await job.end()
  await sweep({ bytes: 0 })
  t.notOk(existsSync(cache))
})

t.test('packages go when nothing was built for long', async t => {
  const { root, cache, usedDaysAgo, sweep } = await stage(t)
  await sweep()
  t.ok(existsSync(cache))
  await usedDaysAgo(join(root, 'building'), 31)
  await sweep()
  t.notOk(existsSync(cache))
})

t.test('an interpreter goes when no environment is made of it', async t => {
  const { folder, environment, sweep } = await stage(t)
  const pythons = join(folder, 'pythons')
  const old = new Date(Date.now() - 31 * day)
  for (const name of ['cpython-3.11.9-x', 'cpython-3.12.1-x', 'cpython-3.13.0-x']) {
    await mkdir(join(pythons, name, 'bin'), { recursive: true })
    if (!name.includes('3.13')) await utimes(join(pythons, name), old, old)
  }
  await symlink('cpython-3.11.9-x', join(pythons, 'cpython-3.11-x'))
  await symlink('cpython-3.12.1-x', join(pythons, 'cpython-3.12-x'))
  await environment('a', 1, join(pythons, 'cpython-3.11-x', 'bin'))
  await sweep()
  await sweep()
  t.same(readdirSync(pythons).sort(), ['cpython-3.11-x', 'cpython-3.11.9-x', 'cpython-3.13.0-x'])
})

t.test('what a killed build left goes, and what is being built stays', async t => {
  const { root, environment, sweep } = await stage(t)
  await environment('a', 1)
  for (const letter of ['b', 'c']) await mkdir(join(root, `${keyOf(letter)}.XyZ123`))
  const building = tryLock(join(root, `${keyOf('c')}.lock`))
  await sweep()
  await sweep()
  t.notOk(existsSync(join(root, `${keyOf('b')}.XyZ123`)))
  t.ok(existsSync(join(root, `${keyOf('c')}.XyZ123`)), 'by a job of an earlier version')
  building?.release()
})

t.test('what a tenant’s packages put in place of a folder touches nothing else', async t => {
  const { folder, environment, letters, sweep } = await stage(t)
  await environment('a', 31)
  const other = join(folder, 'other')
  const linked = join(folder, 'tenants', 'linked')
  await mkdir(join(other, 'uv'), { recursive: true })
  await mkdir(join(linked, 'environments'), { recursive: true })
  await symlink(other, join(linked, 'cache'))

  await sweep({ bytes: 0 })

  t.same(readdirSync(other), ['uv'])
  t.same(letters(), [], 'others are swept')
})

t.test('what packages make of the locks keeps nothing from being swept', async t => {
  const { root, folder, cache, environment, letters, said, sweep } = await stage(t)
  const other = join(folder, 'other')
  await writeFile(other, 'the text of another')
  const locks = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async letter => `${await environment(letter, 31)}.use`)
  )
  const [text = '', fifo = '', deep = '', link = ''] = locks
  await writeFile(text, 'garbage')
  for (const lock of [fifo, deep, link]) await rm(lock)
  await execa('mkfifo', [fifo])
  await mkdir(join(deep, 'er'), { recursive: true })
  await symlink(other, link)
  await writeFile(join(root, 'building.use'), 'garbage')
  const old = new Date(0)
  for (const lock of [text, fifo, deep, join(root, 'building.use')]) await utimes(lock, old, old)
  await utimes(other, old, old)

  await sweep({ bytes: 0 })
  t.notOk(letters().includes('a'))
  t.notOk(existsSync(cache))
  // Of what was no lock nobody knows when it was used: now, as far as that goes.
  await sweep({ bytes: 0 })

  t.same(letters(), [], said.join('\n'))
  t.equal(await readFile(other, 'utf8'), 'the text of another')
})

t.test('what is in use stays, whatever is in its lock', async t => {
  const { environment, letters, sweep } = await stage(t)
  const path = await environment('a', 31)
  await user(t, path)
  await writeFile(`${path}.use`, 'garbage')

  await sweep({ bytes: 0 })

  t.same(letters(), ['a'])
})

t.test('where nothing was ever built there is nothing to do', async t => {
  const folder = testFolder(t)
  await sweepEnvironments({ folder, milliseconds: 0, bytes: 0, say: text => t.fail(text) })
  t.same(readdirSync(folder), [])
})

t.test(
  'killed at any step: the next sweep ends it, and what is kept is whole',
  { skip: noStrace },
  async t => {
    let kills = 0
    for (const call of ['rename', 'unlink', 'rmdir'])
      for (let nth = 1, killed = true; killed; nth++)
        await t.test(`${call} ${nth}`, async t => {
          const { folder, root, environment, letters, sweep } = await stage(t)
          await environment('a', 31)
          const kept = await environment('b', 0)
          const script = [join(fixtures, 'sweep-environments.ts'), folder]
          killed = (await strace(script, { kill: { call, nth } })).killed
          if (killed) kills++
          t.ok(existsSync(join(kept, 'own')))
          t.ok([undefined, 'a'].includes(letters().filter(letter => letter !== 'b')[0]))
          if (letters().includes('a'))
            t.ok(existsSync(join(root, keyOf('a'), 'own')), 'whole or gone')
          await sweep()
          t.same(letters(), ['b'])
          t.equal(entries(root).length, 2)
        })
    t.ok(kills >= 5, `killed ${kills} times`)
  }
)

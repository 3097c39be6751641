import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { type BuildOnceOptions, buildOnce } from '../../src/system/build-once.ts'

const module = join(import.meta.dirname, '../../src/system/build-once.ts')

const options = (root: string, given: Partial<BuildOnceOptions>): BuildOnceOptions => ({
  root,
  key: 'key',
  build: async () => {},
  onWait: () => {},
  signal: new AbortController().signal,
  ...given
})

t.test('of many that want the same folder at once, one builds it and all get it', async t => {
  const root = join(t.testdir(), 'environments')
  let builds = 0
  let waits = 0
  const build = async (folder: string) => {
    builds++
    writeFileSync(join(folder, 'whole'), '')
  }

  const all = await Promise.all(
    Array.from({ length: 8 }, () => buildOnce(options(root, { build, onWait: () => waits++ })))
  )

  t.equal(builds, 1)
  t.equal(waits, 7)
  t.equal(new Set(all.map(({ folder }) => folder)).size, 1)
  t.equal(all.filter(({ reused }) => reused).length, 7)
  t.ok(existsSync(join(root, 'key/whole')))
})

t.test('a build that fails leaves nothing that is taken for whole', async t => {
  const root = t.testdir()
  const fail = () => Promise.reject(new Error('no network'))
  await t.rejects(buildOnce(options(root, { build: fail })), { message: 'no network' })
  t.notOk(existsSync(join(root, 'key')))

  const { reused } = await buildOnce(options(root, {}))

  t.equal(reused, false)
})

t.test('a killed build is swept by the next one, which does not wait for it', async t => {
  const root = t.testdir()
  const script = `
    const { buildOnce } = await import(${JSON.stringify(module)})
    await buildOnce({ root: ${JSON.stringify(root)}, key: 'key', onWait() {}, signal: new AbortController().signal,
      build: () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}) } })`
  const killed = await execa(process.execPath, ['--input-type=module', '-e', script], {
    reject: false
  })
  t.equal(killed.signal, 'SIGKILL', killed.stderr)
  const ruins = () =>
    readdirSync(root).filter(name => name.startsWith('key.') && name.length === 10)
  t.equal(ruins().length, 1)
  mkdirSync(join(root, 'other.abcdef'))

  const { reused } = await buildOnce(options(root, {}))

  t.equal(reused, false)
  t.equal(ruins().length, 1)
  t.ok(existsSync(join(root, 'other.abcdef')))
})

t.test('waiting ends when the job is stopped', async t => {
  const root = t.testdir()
  const stopping = new AbortController()
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const first = buildOnce(options(root, { build: () => held }))
  const second = buildOnce(
    options(root, { signal: stopping.signal, onWait: () => stopping.abort() })
  )

  await t.rejects(second, { name: 'AbortError' })

  release()
  t.match(await first, { reused: false })
})

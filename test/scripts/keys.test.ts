import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { hashOf, isKey } from '../../src/server/callers/api-key.ts'
import { openKeyFile } from '../../src/server/callers/key-file.ts'

const script = join(import.meta.dirname, '../../scripts/keys.ts')

function keysOf(t: Test) {
  const file = join(t.testdir(), 'keys.json')
  const keys = (...words: string[]) =>
    execa(process.execPath, [script, ...words], {
      env: { API_KEYS_FILE: file },
      reject: false,
      all: true
    })
  return { file, keys }
}

t.test('a key that is added is printed once, and known by the service', async t => {
  const { file, keys } = keysOf(t)

  const { stdout: key, exitCode } = await keys('add', 'ci', '--tenant', 'risk', '--days', '30')

  t.equal(exitCode, 0)
  t.ok(isKey(key))
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.notMatch(await readFile(file, 'utf8'), key)
  const callers = await openKeyFile(file, { onProblem: t.fail })
  t.match(await callers.identify(key), { name: 'ci', tenant: 'risk', scopes: ['read', 'submit'] })
  const { stdout: table } = await keys('list')
  t.match(table, new RegExp(`^ci\trisk\tread,submit\t.*\t${hashOf(key).slice(0, 12)}$`))
})

t.test('a name has two keys at most, and one of them can be taken away', async t => {
  const { file, keys } = keysOf(t)
  const { stdout: old } = await keys('add', 'ci')
  const { stdout: fresh } = await keys('add', 'ci')

  const third = await keys('add', 'ci')
  t.equal(third.exitCode, 1)
  t.match(third.all, 'ci has 2 keys')

  await keys('remove', hashOf(old).slice(0, 12))
  const callers = await openKeyFile(file, { onProblem: t.fail })
  t.equal(await callers.identify(old), undefined)
  t.ok(await callers.identify(fresh))
})

t.test('limits of tenants in the file stay when keys come and go', async t => {
  const { file, keys } = keysOf(t)
  const tenants = { risk: { queuedJobs: 5 } }
  await writeFile(file, JSON.stringify({ keys: [], tenants }))

  await keys('add', 'ci')
  t.match(JSON.parse(await readFile(file, 'utf8')), { keys: [{ name: 'ci' }], tenants })
  await keys('remove', 'ci')
  t.strictSame(JSON.parse(await readFile(file, 'utf8')), { keys: [], tenants })
})

t.test('what is wrong is said, and changes nothing', async t => {
  const { file, keys } = keysOf(t)
  await keys('add', 'ci')
  const before = await readFile(file, 'utf8')

  for (const [words, said] of [
    [['add', 'a b'], 'name'],
    [['add', 'x', '--scopes', 'all'], 'scopes/0'],
    [['add', 'x', '--tenant', '../x'], 'tenant'],
    [['add', 'x', '--days', 'soon'], '--days is a number of days'],
    [['remove', 'nobody'], 'There is no key of nobody'],
    [['fetch', 'x'], 'npm run keys -- add NAME']
  ] as const) {
    const { exitCode, all } = await keys(...words)
    t.equal(exitCode, 1, words.join(' '))
    t.match(all, said)
  }
  t.equal(await readFile(file, 'utf8'), before)
  t.match(
    (await execa(process.execPath, [script, 'list'], { env: { API_KEYS_FILE: '' }, reject: false }))
      .stderr,
    'set API_KEYS_FILE'
  )
})

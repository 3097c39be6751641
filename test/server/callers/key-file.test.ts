import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { hashOf, isKey, makeKey } from '../../../src/server/callers/api-key.ts'
import { type KeyEntry, openKeyFile } from '../../../src/server/callers/key-file.ts'

const entry = (key: string, changes: Partial<KeyEntry> = {}): KeyEntry => ({
  name: 'ci',
  tenant: 'risk',
  scopes: ['read', 'submit'],
  sha256: hashOf(key),
  createdAt: '2026-11-24T08:00:00Z',
  ...changes
})

async function keyFile(t: Test, keys: unknown[]) {
  const file = join(t.testdir(), 'keys.json')
  const write = async (content: string) => {
    await writeFile(`${file}.new`, content)
    await rename(`${file}.new`, file)
  }
  await write(JSON.stringify({ keys }))
  const problems: string[] = []
  const open = () => openKeyFile(file, { onProblem: text => problems.push(text), milliseconds: 0 })
  return { file, write, open, problems }
}

t.test('a key is known by its checksum, and is no other each time', t => {
  const [one, other] = [makeKey(), makeKey()]
  t.not(one, other)
  t.ok(isKey(one))
  t.notOk(isKey(`${one.slice(0, -1)}${one.endsWith('0') ? '1' : '0'}`))
  t.notOk(isKey('a.b.c'))
  t.end()
})

t.test('a caller is known by either of two keys', async t => {
  const [old, fresh] = [makeKey(), makeKey()]
  const { open } = await keyFile(t, [entry(old), entry(fresh)])
  const callers = await open()

  const caller = { name: 'ci', tenant: 'risk', scopes: ['read', 'submit'] }
  t.strictSame(await callers.identify(old), caller)
  t.strictSame(await callers.identify(fresh), caller)
  t.equal(await callers.identify(makeKey()), undefined)
  t.equal(await callers.identify(hashOf(old)), undefined, 'what the file shows is no key')
})

t.test('a key whose time is over is nobody’s', async t => {
  const [over, lasting] = [makeKey(), makeKey()]
  const { open } = await keyFile(t, [
    entry(over, { expiresAt: new Date(Date.now() - 1).toISOString() }),
    entry(lasting, { expiresAt: new Date(Date.now() + 60_000).toISOString() })
  ])
  const callers = await open()

  t.equal(await callers.identify(over), undefined)
  t.ok(await callers.identify(lasting))
})

t.test(
  'a change of the file holds without a restart; a broken one changes nothing and is told',
  async t => {
    const [old, fresh] = [makeKey(), makeKey()]
    const { open, write, problems } = await keyFile(t, [entry(old)])
    const callers = await open()

    await write(JSON.stringify({ keys: [entry(fresh)] }))
    t.equal(await callers.identify(old), undefined)
    t.ok(await callers.identify(fresh))

    await write('{"keys":[{}]}')
    t.ok(await callers.identify(fresh))
    t.match(problems, [/API_KEYS_FILE .* is wrong at \/keys\/0: .* goes on to hold\.$/])
  }
)

t.test('limits of single tenants are read, too, and change without a call', async t => {
  const { open, write, problems } = await keyFile(t, [])
  const callers = await open()
  const limits = { queuedJobs: 5, runningJobs: null }
  const changed = async (tenants: object, isThere: () => boolean) => {
    await write(JSON.stringify({ keys: [], tenants }))
    while (!isThere()) await sleep(2)
  }
  t.equal(callers.ownLimits('risk'), undefined)

  await changed({ risk: limits }, () => callers.ownLimits('risk') !== undefined)
  t.strictSame(callers.ownLimits('risk'), limits)
  t.equal(callers.ownLimits('constructor'), undefined, 'no name is more than a name')

  await changed({ risk: { queuedJobs: 0 } }, () => {
    callers.ownLimits('risk')
    return problems.length > 0
  })
  t.match(problems, [/is wrong at \/tenants\/risk\/queuedJobs: it must be >= 1\. .* hold\.$/])
  t.strictSame(callers.ownLimits('risk'), limits)

  await changed({}, () => callers.ownLimits('risk') === undefined)
})

t.test('a file that cannot be used says why', async t => {
  for (const [keys, message] of [
    [[{ ...entry(makeKey()), scopes: ['all'] }], /is wrong at \/keys\/0\/scopes\/0: /],
    [[{ ...entry(makeKey()), tenant: '../x' }], /is wrong at \/keys\/0\/tenant: /],
    [[{ ...entry(makeKey()), key: 'x' }], /is wrong at \/keys\/0\/key: it is not known\./]
  ] as const) {
    const { open } = await keyFile(t, [...keys])
    await t.rejects(open(), { message })
  }
  for (const [tenants, message] of [
    [[], /is wrong at \/tenants: it must be object\.$/],
    [{ Risk: {} }, /at \/tenants\/Risk: it is no tenant’s name, which has 1 to 63 small letters/],
    [{ a: { jobs: 1 } }, /is wrong at \/tenants\/a\/jobs: it is not known\.$/],
    [{ a: { uploads: 1.5 } }, /at \/tenants\/a\/uploads: it must be either integer or null\.$/],
    [{ a: { requestsPerMinute: '9' } }, /\/requestsPerMinute: it must be either integer or null/]
  ] as const) {
    const { open, write } = await keyFile(t, [])
    await write(JSON.stringify({ keys: [], tenants }))
    await t.rejects(open(), { message })
  }
  await t.rejects(openKeyFile('/nowhere/keys.json', { onProblem() {} }), {
    message: /^API_KEYS_FILE \/nowhere\/keys\.json cannot be read: ENOENT/
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createKeyedLock } from '../../src/system/keyed-lock.ts'

t.test('one at a time for each key, in the order of asking', async t => {
  const lock = createKeyedLock()
  const seen: string[] = []
  const act = (name: string) => async () => {
    seen.push(`${name} begins`)
    await sleep(5)
    seen.push(`${name} ends`)
  }
  await Promise.all([lock.run('k', act('a')), lock.run('k', act('b')), lock.run('k', act('c'))])
  t.same(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

t.test('different keys do not wait for each other', async t => {
  const lock = createKeyedLock()
  let end = () => {}
  const held = lock.run('k', () => new Promise<void>(resolve => (end = resolve)))
  t.equal(await lock.run('other', async () => 'done'), 'done')
  end()
  await held
})

t.test('who fails or loses patience lets the next one in', async t => {
  const lock = createKeyedLock()
  let end = () => {}
  const held = lock.run('k', () => new Promise<void>(resolve => (end = resolve)))
  const patience = { milliseconds: 5, busy: () => new Error('busy') }
  await t.rejects(
    lock.run('k', async () => t.fail('it is taken'), patience),
    { message: 'busy' }
  )
  const failing = lock.run('k', async () => {
    throw new Error('mine')
  })
  end()
  await held
  await t.rejects(failing, { message: 'mine' })
  t.equal(await lock.run('k', async () => 'done', patience), 'done')
})

import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createProjectLock } from '../../../src/server/jobs/project-lock.ts'

t.test('many hold a project at once, and it is held until the last one is through', async t => {
  const lock = createProjectLock()
  const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holders = ends.map(({ promise }) => lock.hold('a', () => promise))
  await turn()
  t.ok(lock.isHeld('a'))
  t.notOk(lock.isHeld('b'))
  ends[0]?.resolve()
  await holders[0]
  t.ok(lock.isHeld('a'))
  ends[1]?.reject(new Error('broken'))
  await t.rejects(holders[1] ?? Promise.resolve(), { message: 'broken' })
  t.notOk(lock.isHeld('a'))
})

t.test('nobody begins to hold what somebody is alone with', async t => {
  const lock = createProjectLock()
  const { promise, resolve } = Promise.withResolvers<void>()
  const steps: string[] = []
  const alone = lock.alone('a', async () => {
    await promise
    steps.push('alone')
    t.notOk(lock.isHeld('a'))
  })
  const held = lock.hold('a', async () => steps.push('held'))
  await turn()
  resolve()
  await Promise.all([alone, held])
  t.same(steps, ['alone', 'held'])
})

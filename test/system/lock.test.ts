import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { lock, tryLock } from '../../src/system/lock.ts'

const holdLock = join(import.meta.dirname, '../fixtures/hold-lock.ts')
const countLocked = join(import.meta.dirname, '../fixtures/count-locked.ts')

const fileOf = (t: Test) => join(t.testdir(), 'a.lock')

/** Another process that holds the lock when this returns; in an object, since it could be awaited itself. */
async function holder(t: Test, file: string) {
  const other = execa(process.execPath, [holdLock, file], { reject: false })
  t.teardown(() => other.kill('SIGKILL'))
  const [said] = await once(other.stdout, 'data')
  t.equal(`${said}`, 'held\n')
  return { other }
}

t.test('is held by one at a time in one process, and can be taken again', async t => {
  const file = fileOf(t)
  const first = tryLock(file)
  t.ok(first)
  t.equal(tryLock(file), undefined)
  t.equal(tryLock(file), undefined)
  first?.release()
  const second = tryLock(file)
  t.ok(second)
  second?.release()
})

t.test('being released twice does not release the next holder', async t => {
  const file = fileOf(t)
  const first = tryLock(file)
  first?.release()
  const second = tryLock(file)
  first?.release()
  t.equal(tryLock(file), undefined)
  second?.release()
})

t.test('locks of different files know nothing of each other', async t => {
  const folder = t.testdir()
  const locks = ['one', 'two'].map(name => tryLock(join(folder, name)))
  t.strictSame(locks.map(Boolean), [true, true])
  for (const one of locks) one?.release()
})

t.test(
  'is refused while another process holds it, and free when that one gives it back',
  async t => {
    const file = fileOf(t)
    const { other } = await holder(t, file)
    t.equal(tryLock(file), undefined)
    other.stdin.end()
    await other
    const mine = tryLock(file)
    t.ok(mine)
    mine?.release()
  }
)

t.test(
  'another process is refused while this one holds it, after failed tries here, too',
  async t => {
    const file = fileOf(t)
    const mine = tryLock(file)
    t.equal(tryLock(file), undefined)
    const { stdout } = await execa(process.execPath, [holdLock, file])
    t.equal(stdout, 'refused')
    mine?.release()
  }
)

t.test('is free at once when its holder is killed, and leaves an empty file', async t => {
  const file = fileOf(t)
  const { other } = await holder(t, file)
  other.kill('SIGKILL')
  await other
  const mine = tryLock(file)
  t.ok(mine)
  mine?.release()
  t.strictSame(readdirSync(join(file, '..')), ['a.lock'])
  t.equal(statSync(file).size, 0)
})

t.test('waits until another process gives it back, and says once that it waits', async t => {
  const file = fileOf(t)
  const { other } = await holder(t, file)
  let waits = 0
  const mine = await lock(file, {
    onWait() {
      waits++
      other.stdin.end()
    }
  })
  t.equal(waits, 1)
  t.equal(tryLock(file), undefined)
  mine.release()
  const { stdout } = await other
  t.equal(stdout, 'held\nreleased')
})

t.test('does not wait, and does not say so, when it is free', async t => {
  const mine = await lock(fileOf(t), { onWait: () => t.fail('it waited') })
  mine.release()
  t.ok(mine)
})

t.test('waiting ends with the reason of the signal, and takes nothing', async t => {
  const file = fileOf(t)
  const mine = tryLock(file)
  const stop = new AbortController()
  const waiting = lock(file, { signal: stop.signal, onWait: () => stop.abort(new Error('enough')) })
  await t.rejects(waiting, { message: 'enough' })
  await t.rejects(lock(file, { signal: AbortSignal.abort(new Error('never begun')) }), {
    message: 'never begun'
  })
  mine?.release()
  const next = tryLock(file)
  t.ok(next)
  next?.release()
})

t.test('is not given back when nobody holds on to the object', async t => {
  const file = fileOf(t)
  t.ok(tryLock(file))
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  await new Promise(resolve => setImmediate(resolve))
  collect()
  const { stdout } = await execa(process.execPath, [holdLock, file])
  t.equal(stdout, 'refused')
})

t.test('no two of many processes are ever inside together', async t => {
  const folder = t.testdir({ counter: '0' })
  const counter = join(folder, 'counter')
  const [processes, times] = [3, 8]
  await Promise.all(
    Array.from({ length: processes }, () =>
      execa(process.execPath, [countLocked, join(folder, 'a.lock'), counter, `${times}`])
    )
  )
  t.equal(readFileSync(counter, 'utf8'), `${processes * times}`)
})

t.test('says what is wrong where the file cannot be made or is none of ours', async t => {
  const folder = t.testdir({ notes: 'the notes of somebody else' })
  t.throws(() => tryLock(join(folder, 'missing', 'a.lock')), /unable to open database file/)
  t.throws(() => tryLock(join(folder, 'notes')), /file is not a database/)
  t.equal(readFileSync(join(folder, 'notes'), 'utf8'), 'the notes of somebody else')
})

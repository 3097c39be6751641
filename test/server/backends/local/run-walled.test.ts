import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { runWalled } from '../../../../src/server/backends/local/run-walled.ts'
import { findSandbox } from '../../../../src/server/backends/local/sandbox.ts'
import { wallAround } from '../../../../src/server/backends/local/wall.ts'
import { testFolder } from '../../../helpers/folder.ts'
import { noSandbox } from '../../../helpers/no-sandbox.ts'

const environment = { PATH: process.env.PATH ?? '' }

t.test('answers what the command says', { skip: noSandbox }, async t => {
  const behind = await wallIn(t)

  const { stdout } = await runWalled([...behind, 'echo', 'here'], {
    environment,
    milliseconds: 10_000
  })

  t.equal(stdout, 'here')
})

t.test('throws what a command that fails has said', { skip: noSandbox }, async t => {
  const behind = await wallIn(t)

  const running = runWalled([...behind, 'sh', '-c', 'echo wrong >&2; exit 3'], {
    environment,
    milliseconds: 10_000
  })

  t.match(await running.catch(error => error), { exitCode: 3, stderr: 'wrong' })
})

t.test('ends in time', { skip: noSandbox }, async t => {
  const behind = await wallIn(t)

  const running = runWalled([...behind, 'sleep', '600'], { environment, milliseconds: 500 })

  t.match(await running.catch(error => error), { failed: true, signal: 'SIGKILL' })
})

// Where bwrap alone is killed, in some of these moments its child stays.
t.test('ends whenever it is told to', { skip: noSandbox }, async t => {
  const behind = await wallIn(t)
  const ends = Array.from({ length: 60 }, async (_, n) => {
    const told = new AbortController()
    const running = runWalled([...behind, 'sleep', '600'], {
      environment,
      milliseconds: 30_000,
      signal: told.signal
    })
    for (const until = performance.now() + n / 10; performance.now() < until; );
    told.abort()
    t.match(await running.catch(error => error), { failed: true, signal: 'SIGKILL' })
  })

  const inTime = await Promise.race([Promise.all(ends), sleep(20_000, undefined, { ref: false })])

  t.ok(inTime, 'all have ended')
})

async function wallIn(t: Test): Promise<string[]> {
  const folder = testFolder(t)
  const temporary = join(folder, 'tmp')
  await mkdir(temporary)
  const { wall } = await findSandbox({
    mode: 'bwrap',
    folder,
    temporary,
    readable: [],
    writable: [],
    environment
  })
  return wall ? wallAround(wall, temporary) : []
}

/** The supervisor over programs that stand for the runtime: what it takes, packs and says does not depend on MLflow. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { list } from 'tar'
import {
  createJson,
  type ExitFile,
  type JobFolder,
  jobFolder,
  makeFolders,
  readJson,
  writeJson
} from '../../../../src/server/backends/local/job-folder.ts'
import { observeJob } from '../../../../src/server/backends/local/observe-job.ts'

const main = join(import.meta.dirname, '../../../../src/server/backends/local/supervise.ts')

async function place(t: Test, program: string, limits: { maxRuntimeSeconds?: number } = {}) {
  const folder = jobFolder(t.testdir())
  await makeFolders(folder)
  await writeJson(folder.job, {
    command: '/bin/sh',
    arguments: ['-c', program],
    environment: { PATH: process.env.PATH },
    stopGraceSeconds: 1,
    ...limits
  })
  return folder
}

const observe = (folder: JobFolder, supervised = false) =>
  observeJob('job-a', folder, { supervised, report: async () => undefined })
const supervise = (folder: { path: string }) => execa(process.execPath, [main, folder.path])

t.test('a job is taken once, whoever else is started for it', async t => {
  const folder = await place(t, 'echo ran >> runs')

  await Promise.all([supervise(folder), supervise(folder), supervise(folder)])
  await supervise(folder)

  t.equal(await readFile(join(folder.tree.base, 'runs'), 'utf8'), 'ran\n')
  t.match(await observe(folder), { state: 'ended', exitCode: 0 })
})

t.test('a job that was stopped before it began never begins', async t => {
  const folder = await place(t, 'echo ran >> runs')
  await createJson(folder.claim, { at: new Date().toISOString(), stoppedBeforeStart: true })

  await supervise(folder)

  t.notOk(existsSync(join(folder.tree.base, 'runs')))
  t.match(await observe(folder), { state: 'ended', stopped: true })
})

t.test('what it leaves is packed, whatever its files are called', async t => {
  const folder = await place(t, 'echo a > model/@weights; echo b > "model/-x y"')

  await supervise(folder)

  const names: string[] = []
  await list({ file: folder.modelArchive, onReadEntry: entry => names.push(entry.path) })
  t.same(names.toSorted(), ['./-x y', './@weights'])
})

t.test('a program that ignores SIGTERM is killed when its time is over', async t => {
  const folder = await place(t, 'trap "" TERM; echo started; while :; do sleep 0.1; done')
  const supervisor = supervise(folder)
  while (!existsSync(folder.log) || !(await readFile(folder.log, 'utf8'))) await wait()

  await writeFile(folder.stop, '')
  await supervisor

  t.match(await readJson<ExitFile>(folder.exit), { exitCode: 137, stopped: true })
})

t.test('a job that runs for too long is stopped, has failed, and leaves what it has', async t => {
  const folder = await place(
    t,
    'trap "echo b > model/late; exit 143" TERM; echo a > model/early; while :; do sleep 0.1; done',
    { maxRuntimeSeconds: 1 }
  )

  await supervise(folder)

  t.match(await observe(folder), {
    state: 'ended',
    status: 'MaxRuntimeExceeded',
    stopped: false,
    failure: { kind: 'timeout', message: /stopped after its longest time of 1 s/, exitCode: 143 }
  })
  const names: string[] = []
  await list({ file: folder.modelArchive, onReadEntry: entry => names.push(entry.path) })
  t.same(names.toSorted(), ['./early', './late'])
})

t.test('a job that ends within its longest time has nothing to do with it', async t => {
  const folder = await place(t, 'exit 3', { maxRuntimeSeconds: 60 })

  await supervise(folder)

  t.match(await observe(folder), {
    status: 'Failed',
    exitCode: 3,
    failure: undefined
  })
})

t.test('a stop that is asked for before the time is over is a stop', async t => {
  const folder = await place(t, 'echo started; exec sleep 60', { maxRuntimeSeconds: 60 })
  const supervisor = supervise(folder)
  while (!existsSync(folder.log) || !(await readFile(folder.log, 'utf8'))) await wait()

  await writeFile(folder.stop, '')
  await supervisor

  t.match(await observe(folder), { status: 'Stopped', failure: undefined })
})

t.test('a job whose supervisor is killed is lost, not run again', async t => {
  const folder = await place(t, 'echo started; exec sleep 5')
  const supervisor = supervise(folder)
  while (!existsSync(folder.log) || !(await readFile(folder.log, 'utf8'))) await wait()

  supervisor.kill('SIGKILL')
  await supervisor.catch(() => {})

  t.match(await observe(folder), {
    state: 'ended',
    failure: { kind: 'platform', message: /ended from outside/ }
  })
})

t.test('a program that writes into its locks does not live for ever by that', async t => {
  const folder = await place(
    t,
    'echo garbage | tee ../lock > ../runtime.lock; echo done; exec sleep 5'
  )
  const supervisor = supervise(folder)
  while (!existsSync(folder.log) || !(await readFile(folder.log, 'utf8'))) await wait()
  t.match(await observe(folder), { state: 'starting' }, 'as long as its supervisor lives')

  supervisor.kill('SIGKILL')
  await supervisor.catch(() => {})

  t.match(await observe(folder), { state: 'ended', failure: { message: /ended from outside/ } })
})

t.test('a report that the program has spoilt hides nothing else', async t => {
  const folder = await place(t, 'echo garbage > output/data/run-report.json; sleep 1')
  const supervisor = supervise(folder)
  while (!existsSync(folder.claim)) await wait()

  t.match(await observe(folder, true), { state: 'starting', run: undefined })
  await supervisor
})

t.test(
  'what environments are built with is gone from the folder when the program runs',
  async t => {
    const folder = await place(t, 'ls ..')

    await supervise(folder)

    t.notMatch(await readFile(folder.log, 'utf8'), 'job.json')
  }
)

const wait = () => new Promise(resolve => setTimeout(resolve, 20))

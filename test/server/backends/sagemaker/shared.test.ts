/** Two services move the same jobs on by turns, each with a folder of its own. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ulid } from 'ulid'
import type { Backend } from '../../../../src/server/backends/index.ts'
import { testFolder } from '../../../helpers/folder.ts'
import { aBackendJob, ended, stage } from '../../../helpers/sagemaker-backend.ts'

const permit = { holds: () => true }

async function textOf(backend: Backend, id: string): Promise<string> {
  const log = await backend.log(id)
  const bytes = await log?.read(0, 1000)
  await log?.close()
  return bytes?.toString() ?? ''
}

/** Both are there; neither has the permit yet. */
async function two(t: Test, knobs: Parameters<typeof stage>[1] = {}) {
  const { emulator, start } = await stage(t, knobs)
  const folder = testFolder(t)
  const shared = (name: string) => start(t, { folder: join(folder, name), shared: true })
  return { emulator, first: shared('first'), second: shared('second') }
}

for (const [whose, aheadMilliseconds] of [
  ['another has started since', 0],
  ['another has taken whose clock is ahead', 30_000]
] as const)
  t.test(`who takes over stops a job that ${whose}`, async t => {
    const { emulator, first, second } = await two(t, { pretendMilliseconds: 60_000 })
    const job = aBackendJob({ id: `job-${ulid(Date.now() + aheadMilliseconds).toLowerCase()}` })
    first.open(permit)
    t.same(await first.start(job), { outcome: 'started' })
    await first.rest()
    second.open(permit)
    await second.stop(job.id)
    t.match(await ended(second, job.id), { stopped: true })
    t.equal(emulator.count('StopTrainingJob', 'ok'), 1)
  })

t.test('who takes over and stops a job that has ended already tells its end', async t => {
  const { emulator, first, second } = await two(t)
  const job = aBackendJob()
  first.open(permit)
  await first.start(job)
  await ended(first, job.id)
  await first.rest()
  second.open(permit)
  await second.stop(job.id)
  t.match(await ended(second, job.id), { exitCode: 0, outputs: [{}] })
  t.equal(emulator.count('StopTrainingJob'), 0)
})

t.test('who takes over does not start a job again', async t => {
  const { emulator, first, second } = await two(t)
  const job = aBackendJob()
  first.open(permit)
  await first.start(job)
  await first.rest()
  second.open(permit)
  t.same(await second.start(job), { outcome: 'started' })
  await ended(second, job.id)
  await second.rest()
  first.open(permit)
  t.same(await first.start(job), { outcome: 'started' })
  await ended(first, job.id)
  t.equal(emulator.jobs.get(job.id)?.containerStarts, 1)
  t.equal(emulator.count('CreateTrainingJob', 'ok'), 1)
})

t.test('nothing is started or stopped without the permit', async t => {
  const { emulator, first, second } = await two(t)
  const [running, late] = [aBackendJob(), aBackendJob()]
  first.open(permit)
  await first.start(running)
  let holds = true
  second.open({ holds: () => holds })
  holds = false
  t.match(await second.start(late), { outcome: 'later', reason: /nothing was sent/ })
  await second.stop(running.id)
  t.equal(emulator.jobs.has(late.id), false)
  t.equal(emulator.count('StopTrainingJob'), 0)
})

t.test('at rest it asks nothing about jobs, and shows the log of one all the same', async t => {
  const { emulator, first, second } = await two(t)
  const job = aBackendJob()
  t.equal(await textOf(second, job.id), '')
  first.open(permit)
  await first.start(job)
  await ended(first, job.id)
  await first.rest()
  const before = emulator.count('DescribeTrainingJob') + emulator.count('ListTrainingJobs')
  // It has looked for the job before, in vain.
  while ((await textOf(second, job.id)) !== `${job.id} pretends to train\n`) await sleep(20)
  const after = emulator.count('DescribeTrainingJob') + emulator.count('ListTrainingJobs')
  t.equal(after - before, 1)
})

/** Over a real store and storage: what a job becomes by what its backend saw and what its report says. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { create } from 'tar'
import { emptyReport } from '../../../src/contract/empty-report.ts'
import { plainFailure } from '../../../src/contract/plain-failure.ts'
import type { RunReport } from '../../../src/contract/run-report.ts'
import type { Observation } from '../../../src/server/backends/index.ts'
import { finishJob } from '../../../src/server/jobs/finish-job.ts'
import { moveJob } from '../../../src/server/jobs/move-job.ts'
import { outputKey } from '../../../src/server/storage/index.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'

const theirs = plainFailure('user', 'what the report says', 1)
const told = { failure: theirs, exitCode: 1 }
const endedAt = '2026-01-02T04:00:00.000Z'

/** The job as the store has it then. */
async function finish(
  t: Test,
  seen: Partial<Observation>,
  report?: Partial<RunReport>,
  given: Partial<Parameters<typeof aJob>[0]> = {}
) {
  const { store, storage, folder, dataDir } = await testApp(t)
  const job = aJob({ status: 'running', ...given })
  await store.insert(job)
  const file = join(dataDir, 'output.tar.gz')
  if (report) {
    const cwd = join(dataDir, 'output')
    await mkdir(cwd)
    await writeFile(
      join(cwd, 'run-report.json'),
      JSON.stringify({ ...emptyReport(), exitCode: 0, ...report })
    )
    await create({ cwd, file, gzip: true }, ['./run-report.json'])
  }
  await finishJob(
    job,
    {
      state: 'ended',
      status: 'Ended',
      endedAt,
      outputs: report ? [{ key: outputKey(job.id), file }] : [],
      ...seen
    },
    {
      storage,
      folder,
      async move(job, status, reason, changes, at) {
        await moveJob(store, job, status, reason, changes, at)
      }
    }
  )
  return store.get(job.id)
}

const platform = plainFailure('platform', 'what the backend knows', 1)
const outOfTime = plainFailure('timeout', 'its time was over', 1)
const guess = plainFailure('user', 'what the backend guesses', 1)

const cases: [
  title: string,
  seen: Partial<Observation>,
  report: Partial<RunReport> | undefined,
  status: string,
  message: string | undefined
][] = [
  ['exit code 0 is a success', { exitCode: 0 }, {}, 'succeeded', undefined],
  ['so it is without a report', { exitCode: 0 }, undefined, 'succeeded', undefined],
  ['the report tells why it failed', { exitCode: 1 }, told, 'failed', theirs.message],
  [
    'what the backend knows counts more',
    { exitCode: 1, failure: platform },
    told,
    'failed',
    platform.message
  ],
  [
    'even where the program went well',
    { exitCode: 0, failure: platform },
    {},
    'failed',
    platform.message
  ],
  [
    'so does a time that was over',
    { exitCode: 143, failure: outOfTime },
    told,
    'failed',
    outOfTime.message
  ],
  [
    'what the backend guesses counts less',
    { exitCode: 1, failure: guess },
    told,
    'failed',
    theirs.message
  ],
  [
    'a guess is better than nothing',
    { exitCode: 1, failure: guess },
    undefined,
    'failed',
    guess.message
  ],
  [
    'a stop is a stop, whatever the report says',
    { exitCode: 143, stopped: true },
    told,
    'stopped',
    theirs.message
  ],
  [
    'a stop before it began needs no report',
    { exitCode: 143, stopped: true },
    undefined,
    'stopped',
    'The job was stopped before it began.'
  ],
  [
    'nothing that is said by anybody is the platform’s',
    { exitCode: 9 },
    undefined,
    'failed',
    "The job's process ended with exit code 9 and left no report; its log says more."
  ]
]

for (const [title, seen, report, status, message] of cases)
  t.test(`${title}: ${status}`, async t => {
    const job = await finish(t, seen, report)

    t.equal(job?.status, status)
    t.equal(job?.failure?.message, message)
    t.equal(job?.statusReason, message ?? null)
    t.equal(job?.endedAt, endedAt)
  })

t.test('a report that is none counts as none', async t => {
  const job = await finish(t, { exitCode: 1 }, { version: 2 as 1, failure: theirs })

  t.match(job?.failure, { kind: 'platform', message: /left no report/ })
})

t.test('a warning that both the submission and the runtime had is told once', async t => {
  const job = await finish(t, { exitCode: 0 }, { warnings: ['b', 'c'] }, { warnings: ['a', 'b'] })

  t.same(job?.warnings, ['a', 'b', 'c'])
})

t.test(
  'a stop of a job that had begun does not say otherwise, whoever lost sight of it',
  async t => {
    const job = await finish(t, { stopped: true }, undefined, {
      startedAt: '2026-01-02T03:00:00.000Z'
    })

    t.match(job, {
      status: 'stopped',
      failure: { message: 'The job was stopped before it left a report.' }
    })
  }
)

t.test('a report that cannot be read now is no missing one: the job is not finished', async t => {
  const { store, storage, folder } = await testApp(t)
  const job = aJob({ status: 'running' })
  await store.insert(job)
  const broken = {
    ...storage,
    stat: async () => ({ sizeBytes: 9, etag: '"e"', modifiedAt: new Date(0) }),
    read: async () =>
      new Readable({
        read() {
          this.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
        }
      })
  }
  const move = async () => {
    t.fail('it has not ended')
  }
  await t.rejects(
    finishJob(job, { state: 'ended', status: 'Ended' }, { storage: broken, folder, move }),
    { code: 'ECONNRESET' }
  )
})

t.test('a job that leaves no report keeps the metrics that were seen last', async t => {
  const lost = { failure: platform }

  t.same((await finish(t, { ...lost, metrics: { loss: 1 } }))?.metrics, { loss: 1 })
  t.same((await finish(t, lost, undefined, { metrics: { loss: 2 } }))?.metrics, { loss: 2 })
})

t.test('secrets are taken out of what is said of a job, and then out of its record', async t => {
  const environment = {
    A: { value: 'a-marked-one', secret: true },
    HF_TOKEN: 'a-token-by-name',
    AUTH_MODE: 'default',
    PLAIN: 'plain-text'
  }
  const message = 'it has a-marked-one, a-token-by-name, default and plain-text'
  const job = await finish(
    t,
    { exitCode: 1 },
    { failure: plainFailure('user', message, 1), warnings: [message] },
    { environment }
  )
  const masked = 'it has ***, ***, default and plain-text'
  t.match(job, { statusReason: masked, failure: { message: masked }, warnings: [masked] })
  t.same(job?.environment, { ...environment, A: { secret: true } })
})

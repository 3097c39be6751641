import pMap from 'p-map'
import t from 'tap'
import { startBottomlessS3 } from '../../../helpers/bottomless-s3.ts'
import { aBackendJob, stage } from '../../../helpers/sagemaker-backend.ts'

const { emulator, start } = await stage(
  t,
  { pretendMilliseconds: 2000, startMilliseconds: 1000 },
  startBottomlessS3
)

/** The secondary statuses that a job comes through here. */
const changes = ['Starting', 'Training', 'Uploading', 'Completed'].length

t.test(
  'a job costs one call to start, at most one a change, and none by being looked at',
  async t => {
    const backend = start(t, {
      folder: t.testdir(),
      withoutLogs: true,
      times: { pollMilliseconds: 1000 }
    })
    const jobs = Array.from({ length: 1000 }, () => aBackendJob())
    const ids = jobs.map(({ id }) => id)
    const starts = await pMap(jobs, job => backend.start(job), { concurrency: 8 })
    t.same(
      starts.filter(({ outcome }) => outcome !== 'started'),
      []
    )

    let ended = 0
    let observed = 0
    while (ended < jobs.length || observed < 10_000) {
      const before = emulator.calls.length
      const seen = await backend.observe(ids)
      observed += seen.size
      t.equal(emulator.calls.length, before)
      ended = [...seen.values()].filter(({ state }) => state === 'ended').length
      await new Promise(resolve => setTimeout(resolve, 200))
    }

    const calls = Map.groupBy(emulator.calls, ({ operation }) => operation)
    t.equal(calls.get('CreateTrainingJob')?.length, jobs.length)
    const described = Map.groupBy(calls.get('DescribeTrainingJob') ?? [], ({ jobName }) => jobName)
    t.ok([...described.values()].every(({ length }) => length <= changes))
    t.comment(
      `${jobs.length} jobs, ${observed} looks: ${[...calls].map(([name, { length }]) => `${name} ${length}`).join(', ')}`
    )
  }
)

/** Of the whole way, with an account that is another one, poller.test.ts tells. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import {
  createJobTable,
  newEntry,
  noteMissing
} from '../../../../src/server/backends/sagemaker/job-table.ts'
import { createMissingJobs } from '../../../../src/server/backends/sagemaker/missing-jobs.ts'

const arnOf = (name: string) => `arn:aws:sagemaker:us-east-1:123456789012:training-job/${name}`

/** One job that SageMaker has just said it has not, and what its region and account have besides. */
function aMissingJob(newest: string[]) {
  const table = createJobTable()
  const entry = table.add(
    newEntry('job-1', {
      exists: true,
      lookAt: Infinity,
      createdAt: Date.now(),
      arn: arnOf('job-1')
    })
  )
  const problems: string[] = []
  const missingJobs = createMissingJobs({
    table,
    newest: async () => newest.map(name => ({ TrainingJobArn: arnOf(name) }) as never)[0],
    region: async () => 'us-east-1',
    lookMilliseconds: 0,
    goneMilliseconds: 0,
    onProblem: text => problems.push(text)
  })
  noteMissing(entry, Date.now())
  return { entry, problems, missingJobs }
}

t.test(
  'a job is deleted when others are seen and SageMaker then says again that it has none',
  async t => {
    const { entry, problems, missingJobs } = aMissingJob(['anothers'])
    await sleep(2)
    t.same(await missingJobs.judge(), [], 'the account may have become the right one since')
    t.ok(entry.lookAt <= Date.now(), 'so it is asked for again, at once')
    await sleep(2)
    noteMissing(entry, Date.now())
    t.same(await missingJobs.judge(), [entry])
    t.match(entry, { end: { status: 'Missing' } })
    t.same(problems, [])
  }
)

t.test('a question that was asked before others were seen says nothing', async t => {
  const { entry, missingJobs } = aMissingJob(['anothers'])
  const askedAt = Date.now()
  await sleep(2)
  await missingJobs.judge()
  noteMissing(entry, askedAt)
  t.same(await missingJobs.judge(), [])
})

t.test(
  'a job is left as it is where nothing of its account is seen, and that is said once',
  async t => {
    const { entry, problems, missingJobs } = aMissingJob([])
    await sleep(2)
    for (let n = 0; n < 3; n++) {
      noteMissing(entry, Date.now())
      t.same(await missingJobs.judge(), [])
    }
    t.match(entry, { observation: { state: 'unclear', reason: /region or account/ } })
    t.match(problems, [/none of the training jobs/])
    t.equal(problems.length, 1)
  }
)

import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker'
import t from 'tap'
import { observationOf } from '../../../../src/server/backends/sagemaker/observation-of.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
const text = (second: number) => at(second).toISOString()

/** A job that came through these statuses, one a second. */
const job = (statuses: string[], more: Partial<DescribeTrainingJobResponse> = {}) =>
  ({
    TrainingJobName: 'job-1',
    TrainingJobStatus: 'InProgress',
    SecondaryStatus: statuses.at(-1),
    SecondaryStatusTransitions: statuses.map((Status, second) => ({
      Status,
      StartTime: at(second),
      StatusMessage: `${Status}!`
    })),
    ...more
  }) as DescribeTrainingJobResponse

t.test('the way of a job, with its times', async t => {
  const seen = observationOf(job(['Pending', 'Starting', 'Downloading', 'Training', 'Uploading']))
  t.match(seen, { state: 'running', status: 'Uploading', reason: 'Uploading!', startedAt: text(3) })
  t.same(seen.steps, [
    { state: 'starting', at: text(0), reason: 'Pending!' },
    { state: 'running', at: text(3), reason: 'Training!' }
  ])
})

t.test('a spot job that starts again goes on running', async t => {
  const seen = observationOf(job(['Starting', 'Training', 'Interrupted', 'Starting']))
  t.match(seen, { state: 'running', status: 'Starting', reason: 'Starting!' })
})

t.test('a status that is not known changes nothing but the words', async t => {
  t.match(observationOf(job(['Starting', 'Pondering'])), { state: 'starting', status: 'Pondering' })
})

t.test('a stopping job is stopping while it uploads', async t => {
  const seen = observationOf(
    job(['Training', 'Stopping', 'Uploading'], { TrainingJobStatus: 'Stopping' })
  )
  t.equal(seen.state, 'stopping')
})

t.test('a job that never got instances has no start and costs nothing', async t => {
  const seen = observationOf(
    job(['Starting', 'Failed'], { TrainingJobStatus: 'Failed', FailureReason: 'CapacityError: no' })
  )
  t.match(seen, { state: 'ended', endedAt: text(1), failure: { kind: 'capacity' } })
  t.equal(seen.startedAt, undefined)
  t.equal(seen.billableSeconds, undefined)
})

t.test('its end', async t => {
  const end = { TrainingEndTime: at(9), BillableTimeInSeconds: 7 }
  const stopped = { ...end, TrainingJobStatus: 'Stopped' as const }
  t.match(observationOf(job(['Completed'], { ...end, TrainingJobStatus: 'Completed' })), {
    exitCode: 0,
    endedAt: text(9),
    billableSeconds: 7
  })
  t.match(observationOf(job(['Stopped'], stopped)), { stopped: true })
  const timedOut = job(['MaxWaitTimeExceeded'], {
    ...stopped,
    StoppingCondition: { MaxWaitTimeInSeconds: 60 }
  })
  t.match(observationOf(timedOut).failure, { kind: 'timeout', message: / 60 s in all/ })
  t.equal(observationOf(timedOut).stopped, undefined)
})

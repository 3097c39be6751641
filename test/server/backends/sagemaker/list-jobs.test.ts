import { SageMakerClient } from '@aws-sdk/client-sagemaker'
import t from 'tap'
import { createLister } from '../../../../src/server/backends/sagemaker/list-jobs.ts'
import { startBottomlessS3 } from '../../../helpers/bottomless-s3.ts'
import { stage } from '../../../helpers/sagemaker-backend.ts'

const { emulator } = await stage(t, { emptyPages: true }, startBottomlessS3)

t.test('two lists are never closer than the pace, whoever asks', async t => {
  const client = new SageMakerClient()
  t.teardown(() => client.destroy())
  const sentAt: number[] = []
  client.middlewareStack.add(
    next => args => {
      sentAt.push(Date.now())
      return next(args)
    },
    { step: 'initialize' }
  )
  const paceMilliseconds = 50
  const { list, newest } = createLister(client, paceMilliseconds, new AbortController().signal)
  const since = { changedSince: 0, createdSince: 0 }
  await Promise.all([list(since), newest(), list(since), newest()])

  t.equal(sentAt.length, emulator.count('ListTrainingJobs'))
  const gaps = sentAt.slice(1).map((at, n) => at - (sentAt[n] ?? 0))
  t.equal(gaps.length, 3)
  t.ok(
    gaps.every(gap => gap >= paceMilliseconds - 5),
    gaps.join(', ')
  )
})

import t, { type Test } from 'tap'
import { moveJob, updateJob } from '../../../src/server/jobs/move-job.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'

async function queued(t: Test) {
  const { store } = await testApp(t)
  const job = aJob()
  await store.insert(job)
  return { store, job }
}

t.test('a transition bears the time when it happened, and never one before the last', async t => {
  const { store, job } = await queued(t)

  await moveJob(store, job, 'starting', null, {}, '2026-01-02T05:00:00.000Z')
  await moveJob(store, job, 'running', null, {}, '2026-01-02T04:00:00.000Z')
  await moveJob(store, job, 'succeeded', null, {}, '2026-01-02T06:00:00.000Z')

  t.same(
    (await store.get(job.id))?.transitions.map(({ status, at }) => [status, at]),
    [
      ['queued', job.createdAt],
      ['starting', '2026-01-02T05:00:00.000Z'],
      ['running', '2026-01-02T05:00:00.000Z'],
      ['succeeded', '2026-01-02T06:00:00.000Z']
    ]
  )
})

t.test('no job goes back, nor on from its end, and nothing is noted then', async t => {
  const { store, job } = await queued(t)
  t.equal(await moveJob(store, job, 'stopping', null, {}), true)

  t.equal(await moveJob(store, job, 'running', 'late', { warnings: ['late'] }), false)
  t.equal(await moveJob(store, job, 'stopping', 'again', {}), false)
  t.equal(await moveJob(store, job, 'stopped', null, {}), true)
  t.equal(await moveJob(store, job, 'failed', null, {}), false)

  const { status, warnings, transitions } = (await store.get(job.id)) ?? {}
  t.match({ status, warnings }, { status: 'stopped', warnings: [] })
  t.equal(transitions?.length, 3)
})

t.test('an end that happened long ago is recorded now', async t => {
  const { store, job } = await queued(t)
  const before = new Date().toISOString()

  await moveJob(store, job, 'running', null, {})
  t.equal((await store.get(job.id))?.endRecordedAt, null)
  await moveJob(store, job, 'succeeded', null, { endedAt: job.createdAt }, job.createdAt)

  const { endedAt, endRecordedAt } = (await store.get(job.id)) ?? {}
  t.equal(endedAt, job.createdAt)
  t.ok(endRecordedAt && endRecordedAt >= before)
})

t.test('a stop that is asked for meanwhile is not lost', async t => {
  const { store, job } = await queued(t)
  await store.requestStop(job.id, '2026-01-02T03:30:00.000Z')

  await moveJob(store, job, 'starting', null, { backendStatus: 'Starting' })
  await updateJob(store, job, { backendDetails: { place: 'here' } })

  t.match(await store.get(job.id), {
    status: 'starting',
    stopRequestedAt: '2026-01-02T03:30:00.000Z',
    backend: { name: 'local', status: 'Starting', details: { place: 'here' } }
  })
})

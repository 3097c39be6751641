/** Two services on one PostgreSQL: what is asked of one is seen at the other, and who leads may die or hang. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Job } from '../../src/server/routes/schemas.ts'
import type { Killable } from '../helpers/killable.ts'
import { noPostgres } from '../helpers/postgres.ts'
import { form, pack } from '../helpers/project.ts'
import { startReplicas } from '../helpers/replicas.ts'

t.test('two services on one PostgreSQL', { skip: noPostgres }, async t => {
  const replicas = await startReplicas(2, { pretendMilliseconds: 1500 })
  t.teardown(() => replicas.end())
  const { emulator } = replicas
  const project = await pack({
    MLproject: 'entry_points:\n  main:\n    command: python train.py\n',
    'train.py': "print('trained')\n"
  })

  async function submit({ url }: Killable, key?: string): Promise<Job> {
    const headers = key === undefined ? {} : { 'idempotency-key': key }
    const response = await fetch(`${url}/jobs`, {
      method: 'POST',
      body: form({ project }),
      headers
    })
    if (response.status !== 202) throw new Error(await response.text())
    return (await response.json()) as Job
  }

  async function ended({ url }: Killable, { id }: Job): Promise<Job> {
    for (;;) {
      const job = (await (await fetch(`${url}/jobs/${id}?wait=20`)).json()) as Job
      if (job.terminal) return job
    }
  }

  const stop = ({ url }: Killable, { id }: Job) =>
    fetch(`${url}/jobs/${id}/stop`, { method: 'POST' })
  const followed = async ({ url }: Killable, { id }: Job) =>
    (await fetch(`${url}/jobs/${id}/logs?follow=true`)).text()

  /** Each was made by one CreateTrainingJob, and ran once. */
  function ranOnce(t: Test, jobs: Job[]): void {
    for (const { id } of jobs) {
      const created = emulator.calls.filter(
        ({ operation, jobName, worked }) =>
          operation === 'CreateTrainingJob' && jobName === id && worked
      )
      t.equal(created.length, 1, `${id} was made once`)
      t.equal(emulator.jobs.get(id)?.containerStarts, 1, `${id} ran once`)
    }
  }

  await t.test('a job that one takes is waited for and followed at the other', async t => {
    const { leader, follower } = await replicas.roles()
    for (const [here, there] of [
      [leader, follower],
      [follower, leader]
    ] as const) {
      const job = await submit(here)
      const logs = await Promise.all([followed(here, job), followed(there, job)])
      t.match(await ended(there, job), { status: 'succeeded', model: {} })
      t.same(logs, Array(2).fill(`${job.id} pretends to train\n`))
      ranOnce(t, [job])
    }
  })

  await t.test('a stop that one is asked for reaches the one that leads', async t => {
    emulator.knobs.pretendMilliseconds = 60_000
    const { leader, follower } = await replicas.roles()
    const job = await submit(leader)
    await stop(follower, job)
    t.match(await ended(follower, job), { status: 'stopped' })
    emulator.knobs.pretendMilliseconds = 1500
  })

  await t.test('a key that is sent to both at once is one job', async t => {
    const jobs = await Promise.all(
      Array.from({ length: 6 }, (_, n) => submit(replicas.all[n % 2] as Killable, 'the-same'))
    )
    t.equal(new Set(jobs.map(({ id }) => id)).size, 1)
    await ended(replicas.all[0] as Killable, jobs[0] as Job)
    ranOnce(t, jobs.slice(0, 1))
  })

  await t.test('when the leader is killed, the other takes its jobs over', async t => {
    const { leader, follower } = await replicas.roles()
    const jobs = await Promise.all([submit(leader), submit(follower), submit(leader)])
    await leader.kill()
    jobs.push(await submit(follower))
    for (const job of jobs) t.match(await ended(follower, job), { status: 'succeeded' })
    ranOnce(t, jobs)
    await leader.start()
  })

  await t.test('when the leader hangs, the other takes over, and it does nothing late', async t => {
    const { leader, follower } = await replicas.roles()
    const jobs = await Promise.all([submit(leader), submit(follower), submit(leader)])
    leader.pause()
    jobs.push(await submit(follower))
    for (const job of jobs) t.match(await ended(follower, job), { status: 'succeeded' })
    leader.resume()
    t.same(await ended(leader, jobs[0] as Job), await ended(follower, jobs[0] as Job))
    const last = await submit(leader)
    t.match(await ended(leader, last), { status: 'succeeded' })
    ranOnce(t, [...jobs, last])
    t.equal((await replicas.roles()).leader, follower)
  })
})

t.test('a project that both use and remove', { skip: noPostgres }, async t => {
  const replicas = await startReplicas(
    2,
    { pretendMilliseconds: 1 },
    { KEEP_PROJECT_SECONDS: '0', MAX_QUEUED_JOBS: '100000' }
  )
  t.teardown(() => replicas.end())
  const [one, two] = replicas.all as [Killable, Killable]
  const submit = ({ url }: Killable, project: Blob | string) =>
    fetch(`${url}/jobs`, { method: 'POST', body: form({ project }) })
  const wait = async ({ url }: Killable, id: string) => {
    for (;;) {
      const job = (await (await fetch(`${url}/jobs/${id}?wait=20`)).json()) as Job
      if (job.terminal) return job
    }
  }

  await t.test('is there for every job that was accepted', async t => {
    const first = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const command = `    command: echo ${n}\n`
        const archive = await pack({ MLproject: `entry_points:\n  main:\n${command}` })
        const job = (await (await submit(one, archive)).json()) as Job
        // Both have stored it: the other one, too, needs only look whether it is there.
        const other = (await (await submit(two, archive)).json()) as Job
        return { archive, job, other }
      })
    )
    for (const { job, other } of first) {
      await wait(one, job.id)
      await wait(one, other.id)
      await fetch(`${one.url}/jobs/${other.id}`, { method: 'DELETE' })
    }
    const counts = { accepted: 0, refused: 0 }

    await Promise.all(
      first.map(async ({ archive, job: { id, project } }, n) => {
        const deleted = fetch(`${one.url}/jobs/${id}`, { method: 'DELETE' })
        await sleep(n * 5)
        const answer = await submit(two, n % 4 ? project.digest : archive)
        t.equal((await deleted).status, 204)
        if (answer.status !== 202)
          t.match(await answer.json(), { status: 422, errors: [{ pointer: '/project' }] })
        const isThere = (await fetch(`${two.url}/projects/${project.digest}`)).status === 200
        t.equal(isThere, answer.status === 202, `accepted: ${answer.status}, there: ${isThere}`)
        if (n % 4 === 0) t.equal(answer.status, 202, 'who sends it is never refused')
        counts[answer.status === 202 ? 'accepted' : 'refused']++
      })
    )

    t.comment(`${counts.accepted} accepted, ${counts.refused} refused for the project was gone`)
  })
})

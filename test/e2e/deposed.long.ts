/** What a service has on its disk after another one took over from it, and when that goes. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Job } from '../../src/server/routes/schemas.ts'
import type { Killable } from '../helpers/killable.ts'
import { noPostgres } from '../helpers/postgres.ts'
import { form, pack, simpleProject } from '../helpers/project.ts'
import { startReplicas } from '../helpers/replicas.ts'

t.test('a leader that hung', { skip: noPostgres }, async t => {
  const replicas = await startReplicas(2, { pretendMilliseconds: 4000 }, { LOG_LEVEL: 'fatal' })
  t.teardown(() => replicas.end())
  const { leader: deposed, follower: successor } = await replicas.roles()
  const project = await pack(simpleProject)
  const inFolder = (replica: Killable, name: string) =>
    readdir(join(replicas.folderOf(replica), name)).catch(() => [])

  async function ended({ url }: Killable, { id }: Job): Promise<Job> {
    for (;;) {
      const job = (await (await fetch(`${url}/jobs/${id}?wait=20`)).json()) as Job
      if (job.terminal) return job
    }
  }

  const jobs = await Promise.all(
    [1, 2, 3].map(async () => {
      const body = form({ project, parameters: { alpha: 1 } })
      const answer = await fetch(`${deposed.url}/jobs`, { method: 'POST', body })
      return (await answer.json()) as Job
    })
  )
  const ids = jobs.map(({ id }) => id).sort()
  while ((await inFolder(deposed, 'jobs')).length < jobs.length) await sleep(20)
  // Its log is collected there while somebody follows it.
  const followed = fetch(`${deposed.url}/jobs/${ids[0]}/logs?follow=true`)
  await followed
  deposed.pause()
  for (const job of jobs) t.match(await ended(successor, job), { status: 'succeeded' })
  deposed.resume()
  const whole = await (await followed).text()

  await t.test('serves all the same, and keeps what it had noted of its jobs', async t => {
    for (const job of jobs) t.match(await ended(deposed, job), { status: 'succeeded' })
    t.equal(whole, `${ids[0]} pretends to train\n`)
    const log = await fetch(`${deposed.url}/jobs/${ids[0]}/logs`)
    t.equal(await log.text(), whole)
    t.same((await inFolder(deposed, 'jobs')).sort(), ids)
    t.same(await inFolder(deposed, 'tmp'), [], 'and nothing for a while')
  })

  await t.test('removes it when it leads again', async t => {
    await successor.kill()
    const { leader } = await replicas.roles()
    t.equal(leader, deposed)
    while ((await inFolder(deposed, 'jobs')).length > 0) await sleep(100)
    t.same(await inFolder(deposed, 'tmp'), [])
    for (const job of jobs) t.match(await ended(deposed, job), { status: 'succeeded' })
  })
})

/** PostgreSQL is restarted at once (pg_ctl restart -m immediate) while callers submit, look, wait and follow at two services. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Job, Readiness } from '../../src/server/routes/schemas.ts'
import type { Killable } from '../helpers/killable.ts'
import { noPostgres } from '../helpers/postgres.ts'
import { form, pack } from '../helpers/project.ts'
import { startReplicas } from '../helpers/replicas.ts'

interface Answer {
  status: number
  asked: string
  retryAfter: string | null
  text: string
}

t.test('a database that fails over under load', { skip: noPostgres }, async t => {
  const replicas = await startReplicas(2, { pretendMilliseconds: 300 }, { LOG_LEVEL: 'fatal' })
  t.teardown(() => replicas.end())
  const { all, emulator, postgres } = replicas
  const pids = all.map(({ pid }) => pid())
  const project = await pack({
    MLproject: 'entry_points:\n  main:\n    command: python train.py\n',
    'train.py': "print('trained')\n"
  })
  const answers: Answer[] = []
  /** Key -> id, of what was answered by 202. */
  const acknowledged = new Map<string, string>()
  const retried = new Set<string>()
  const done = new AbortController()

  async function ask(asked: string, url: string, given?: RequestInit): Promise<Answer> {
    const response = await fetch(url, given)
    const text = await response.text()
    const retryAfter = response.headers.get('retry-after')
    const answer = { asked, status: response.status, retryAfter, text }
    answers.push(answer)
    return answer
  }

  async function submitAll(name: string): Promise<void> {
    for (let n = 0; !done.signal.aborted; n++) {
      const key = `${name}-${n}`
      for (let attempt = 0; !acknowledged.has(key); attempt++) {
        const { url } = all[(n + attempt) % 2] as Killable
        const headers = { 'idempotency-key': key }
        const answer = await ask('submit', `${url}/jobs`, {
          method: 'POST',
          body: form({ project }),
          headers
        })
        if (answer.status === 202) acknowledged.set(key, JSON.parse(answer.text).id)
        else {
          retried.add(key)
          await sleep(100)
        }
      }
      await sleep(100)
    }
  }

  /** Of one job after the other, those that were submitted last. */
  async function look({ url }: Killable, asked: string, path: string): Promise<void> {
    while (!done.signal.aborted) {
      const id = [...acknowledged.values()].at(-1)
      if (id !== undefined) await ask(asked, `${url}${path.replace('ID', id)}`)
      await sleep(100)
    }
  }

  const readiness = async ({ url }: Killable) => {
    const response = await fetch(`${url}/readyz`)
    return { status: response.status, body: (await response.json()) as Readiness }
  }
  const until = async (status: number) => {
    for (const replica of all) while ((await readiness(replica)).status !== status) await sleep(50)
  }

  const callers = [
    ...['a', 'b', 'c'].map(submitAll),
    ...all.flatMap(replica => [
      look(replica, 'look', '/jobs/ID'),
      look(replica, 'list', '/jobs?limit=5'),
      look(replica, 'wait', '/jobs/ID?wait=5'),
      look(replica, 'follow', '/jobs/ID/logs?follow=true'),
      look(replica, 'stop nothing', '/jobs/summary')
    ])
  ]

  await t.test('is a 503 with the reason while it is away, and nothing more', async t => {
    for (let outage = 1; outage <= 3; outage++) {
      const before = acknowledged.size
      while (acknowledged.size < before + 10) await sleep(20)
      await postgres.crash()
      await until(503)
      for (const replica of all) {
        const { body } = await readiness(replica)
        t.match(body, {
          ready: false,
          store: { ok: false, detail: /^The database of jobs cannot be used now: .+\.$/ },
          storage: { ok: true }
        })
        t.equal((await fetch(`${replica.url}/livez`)).status, 200)
      }
      await postgres.start()
      await until(200)
    }
    // And once with nothing but the restart between.
    await postgres.crash()
    await postgres.start()
    const before = acknowledged.size
    while (acknowledged.size < before + 10) await sleep(20)
    done.abort()
    await Promise.all(callers)

    const failed = answers.filter(({ status }) => status >= 400)
    for (const { asked, status, retryAfter, text } of failed) {
      if (status === 503 && retryAfter && /"code":"STORE_UNAVAILABLE"/.test(text)) continue
      t.fail(`${asked}: ${status} ${text}`)
    }
    t.ok(failed.length > 0, `${failed.length} of ${answers.length} requests were refused`)
    t.ok(retried.size > 0, `${retried.size} of ${acknowledged.size} submissions were sent again`)
    t.same(
      all.map(({ pid }) => pid()),
      pids,
      'the services are those that were there'
    )
  })

  await t.test('loses nothing that was acknowledged, and doubles nothing', async t => {
    const [{ url }] = all as [Killable]
    for (const id of acknowledged.values()) {
      let job: Job
      do {
        job = (await (await fetch(`${url}/jobs/${id}?wait=20`)).json()) as Job
      } while (job.terminal === false)
      if (job.status !== 'succeeded') t.fail(`${id} is ${job.status}`)
    }
    t.same([...emulator.jobs.keys()].sort(), [...acknowledged.values()].sort())
    for (const [id, { containerStarts }] of emulator.jobs)
      if (containerStarts !== 1) t.fail(`${id} ran ${containerStarts} times`)
  })

  await t.test('leaves each of the services hearing of the other', async t => {
    emulator.knobs.pretendMilliseconds = 2000
    for (const [here, there] of [all, all.toReversed()] as [Killable, Killable][]) {
      const answer = await fetch(`${here.url}/jobs`, { method: 'POST', body: form({ project }) })
      let job = (await answer.json()) as Job
      let etag = ''
      while (job.terminal === false) {
        const url = `${there.url}/jobs/${job.id}?wait=30`
        const changed = await fetch(url, { headers: { 'if-none-match': etag } })
        // Who hears nothing waits for the whole time, and knows of nothing new then.
        if (changed.status !== 200) return t.fail(`${job.id} is ${job.status}: ${changed.status}`)
        etag = changed.headers.get('etag') ?? ''
        job = (await changed.json()) as Job
      }
      t.match(job, { status: 'succeeded' })
    }
  })
})

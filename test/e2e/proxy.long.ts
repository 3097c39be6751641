/** Two services behind the proxy of deploy/replicas: one after the other is replaced, and nobody notices. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Job } from '../../src/server/routes/schemas.ts'
import { startCaddy } from '../helpers/caddy.ts'
import type { Killable } from '../helpers/killable.ts'
import { noPostgres } from '../helpers/postgres.ts'
import { form, pack, simpleProject } from '../helpers/project.ts'
import { startReplicas } from '../helpers/replicas.ts'

t.test('two services behind the proxy', { skip: noPostgres }, async t => {
  const replicas = await startReplicas(
    2,
    { pretendMilliseconds: 3000 },
    { CLOSE_DELAY_SECONDS: '5', LOG_LEVEL: 'fatal' }
  )
  t.teardown(() => replicas.end())
  const { all, emulator, postgres } = replicas
  const url = await startCaddy(
    t,
    all.map(replica => replica.url)
  )
  const project = await pack(simpleProject)
  const submit = (key: string) =>
    fetch(`${url}/jobs`, {
      method: 'POST',
      body: form({ project, parameters: { alpha: 1 } }),
      headers: { 'idempotency-key': key }
    })

  await t.test('events come while the job still runs', async t => {
    const { id } = (await (await submit('followed')).json()) as Job
    const headers = { accept: 'text/event-stream' }
    const { body } = await fetch(`${url}/jobs/${id}/logs`, { headers })
    let text = ''
    let sawRunning = false
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      if (/^event: end$/m.test(text)) break
      const job = (await (await fetch(`${url}/jobs/${id}`)).json()) as Job
      sawRunning ||= !job.terminal
    }
    t.ok(sawRunning, 'what was begun was seen before the end')
    t.match(text, /^event: end\ndata: .*"succeeded"/m)
  })

  await t.test('each is stopped and started again, and no request fails', async t => {
    emulator.knobs.pretendMilliseconds = 100
    const answers: { status: number; text: string }[] = []
    const done = new AbortController()
    const load = async (name: string) => {
      for (let n = 0; !done.signal.aborted; n++) {
        const answer = await submit(`${name}-${n}`).catch(({ cause }) => cause as Error)
        if (answer instanceof Error) answers.push({ status: 0, text: `${answer}` })
        else answers.push({ status: answer.status, text: await answer.text() })
        await sleep(100)
      }
    }
    const loads = ['a', 'b', 'c'].map(load)
    for (const replica of all) {
      const before = answers.length
      while (answers.length < before + 10) await sleep(20)
      await replica.end()
      t.equal(await replica.exited(), 0)
      t.ok(await replica.start(), 'it is there again')
      // Until the proxy knows: it looks every second.
      await sleep(2500)
    }
    done.abort()
    await Promise.all(loads)

    t.same(
      answers.filter(({ status }) => status !== 202),
      []
    )
    t.ok(answers.length > 40, `${answers.length} submissions, all of them accepted`)
  })

  await t.test('one that is killed is left out', async t => {
    const [killed] = all as [Killable]
    await killed.kill()
    for (let n = 0; n < 20; n++) t.equal((await fetch(`${url}/jobs?limit=1`)).status, 200)
    await killed.start()
  })

  await t.test('without their database, who asks is told to come again', async t => {
    await postgres.crash()
    for (const replica of all)
      while ((await fetch(`${replica.url}/readyz`)).status !== 503) await sleep(50)
    await sleep(2500)
    const answer = await fetch(`${url}/jobs`)
    t.equal(answer.status, 503)
    t.equal(answer.headers.get('retry-after'), '5')
    t.match(answer.headers.get('content-type'), 'application/problem+json')
    t.match(await answer.json(), { status: 503, title: 'No service is ready.' })
    await postgres.start()
    while ((await fetch(`${url}/jobs`)).status !== 200) await sleep(100)
  })
})

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { testAppWith } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'
import { form, pack, simpleProject } from '../../helpers/project.ts'

/** The lines that requests leave in the log. */
async function loggedApp(t: Test) {
  const lines: Record<string, unknown>[] = []
  const stream = {
    write(text: string) {
      const line = JSON.parse(text)
      if (line.msg === 'request') lines.push(line)
    }
  }
  return { ...(await testAppWith(t, { logger: { level: 'debug', stream } })), lines }
}

t.test('a submission has a line with its request, its job, its route and its status', async t => {
  const { app, lines } = await loggedApp(t)
  const payload = form({ project: await pack(simpleProject), parameters: { alpha: 1 } })

  const answer = await app.inject({
    method: 'POST',
    url: '/jobs?dryRun=false',
    payload,
    headers: { 'x-request-id': 'mine' }
  })

  t.match(lines, [
    {
      level: 30,
      reqId: 'mine',
      method: 'POST',
      url: '/jobs?dryRun=false',
      route: '/jobs',
      job: answer.json().id,
      status: 202,
      milliseconds: Number
    }
  ])
})

t.test('who only looks has a line at the level debug, with the job that is looked at', async t => {
  const { app, store, lines } = await loggedApp(t)
  await store.insert(aJob({ id: 'job-a' }))

  await app.inject('/jobs/job-a/logs?tail=1')
  await app.inject('/jobs/job-b')

  t.match(lines, [
    { level: 20, route: '/jobs/:id/logs', job: 'job-a', status: 200 },
    { level: 20, route: '/jobs/:id', job: 'job-b', status: 404, code: 'JOB_NOT_FOUND' }
  ])
})

t.test('who has gone before the answer has a line and is counted, too', async t => {
  const { app, store, lines, places, metrics } = await loggedApp(t)
  await store.insert(aJob({ id: 'job-a' }))
  const { port } = new URL(await app.listen({ port: 0 }))
  const socket = connect(Number(port), 'localhost')
  await once(socket, 'connect')
  socket.write('GET /jobs/job-a?wait=60 HTTP/1.1\r\nhost: localhost\r\n\r\n')
  while (places.taken('waiters') === 0) await sleep(5)

  socket.destroy()
  while (lines.length === 0) await sleep(5)

  t.match(lines, [{ route: '/jobs/:id', job: 'job-a', gone: true }])
  const { values } = await metrics.requests.get()
  t.match(values.at(-1), { labels: { route: '/jobs/:id', status: 'gone' }, value: 1 })
})

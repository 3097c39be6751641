/** The service as a process that is told to stop. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { testFolder } from '../helpers/folder.ts'
import { form, pack, simpleProject } from '../helpers/project.ts'
import { type Running, startService, submit } from '../helpers/service-process.ts'

/** A submission whose second half is sent when the test says so. */
async function beginUpload({ url }: Running) {
  const body = form({ project: await pack(simpleProject), parameters: { alpha: 1 } })
  const request = new Request(url, { method: 'POST', body })
  const type = request.headers.get('content-type')
  const bytes = Buffer.from(await request.arrayBuffer())
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    `POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: ${bytes.length}\r\n\r\n`
  )
  socket.write(bytes.subarray(0, bytes.length / 2))
  await gauge(url, 'uploads', 1)
  return { socket, finish: () => socket.write(bytes.subarray(bytes.length / 2)) }
}

/** Waits until so many requests of the kind are under way. */
async function gauge(url: string, kind: string, count: number): Promise<void> {
  const line = `mlflow_jobs_open_requests{kind="${kind}"} ${count}\n`
  while (!(await (await fetch(`${url}/metrics`)).text()).includes(line)) await sleep(20)
}

const allOf = async (socket: Socket) => Buffer.concat(await Array.fromAsync(socket)).toString()

t.test(
  'an upload that is under way at SIGTERM is accepted, and its job is there after',
  async t => {
    const dataDir = testFolder(t)
    const service = await startService(t, dataDir)
    const { socket, finish } = await beginUpload(service)

    await service.stop()
    await t.rejects(fetch(service.url), 'no connection is taken any more')
    finish()

    const answer = await allOf(socket)
    t.match(answer, /^HTTP\/1\.1 202 [\s\S]*\r\nconnection: close\r\n/i)
    t.equal(await service.exited, 0)
    const [, location] = /\r\nlocation: (\S+)/i.exec(answer) ?? []
    const { url } = await startService(t, dataDir)
    t.match(await (await fetch(`${url}${location}`)).json(), { status: 'queued' })
  }
)

t.test('an upload that does not end in time is cut off, and the service ends well', async t => {
  const service = await startService(t, testFolder(t), { CLOSE_GRACE_SECONDS: '1' })
  const { socket } = await beginUpload(service)
  socket.on('error', () => {})

  await service.stop()

  await once(socket.resume(), 'close')
  t.equal(await service.exited, 0)
})

t.test(
  'in the time for load balancers it serves, says that it is not ready, and keeps no connection',
  async t => {
    const service = await startService(t, testFolder(t), { CLOSE_DELAY_SECONDS: '3600' })
    const { url } = service

    await service.stop()

    const readiness = await fetch(`${url}/readyz`)
    t.equal(readiness.status, 503)
    t.match(await readiness.json(), {
      ready: false,
      process: { ok: false, detail: 'The service is stopping.' }
    })
    const alive = await fetch(`${url}/livez`)
    t.equal(alive.status, 200)
    t.equal(alive.headers.get('connection'), 'close')
    t.match(await submit(url), { status: 'queued' })
  }
)

t.test('a second signal ends it at once', async t => {
  const service = await startService(t, testFolder(t), { CLOSE_DELAY_SECONDS: '3600' })

  await service.stop()
  service.process.kill('SIGTERM')

  t.equal(await service.exited, 1)
})

t.test('a crash ends it as a crash, so that it is seen and restarted', async t => {
  for (const signal of ['SIGSEGV', 'SIGABRT'] as const) {
    const service = await startService(t, testFolder(t), { CLOSE_DELAY_SECONDS: '3600' })
    service.process.kill(signal)
    t.equal(await service.exited, signal)
  }
})

t.test('who waits gets the job as it is, and who follows is let go to come again', async t => {
  const service = await startService(t, testFolder(t))
  const { url } = service
  const { id } = await submit(url)
  const waiter = fetch(`${url}/jobs/${id}?wait=60`)
  const events = fetch(`${url}/jobs/${id}/logs`, { headers: { accept: 'text/event-stream' } })
  const text = fetch(`${url}/jobs/${id}/logs?follow=true`)
  await gauge(url, 'waiters', 1)
  await gauge(url, 'followers', 2)

  await service.stop()

  const answer = await waiter
  t.equal(answer.status, 200)
  t.match(await answer.json(), { id, status: 'queued' })
  const told = await (await events).text()
  t.match(told, /^retry: \d+\n\n/, 'when to come again')
  t.notMatch(told, 'event: end', 'the job has not ended')
  await t.rejects((await text).text(), 'a text that is not whole does not look whole')
  t.equal(await service.exited, 0)
})

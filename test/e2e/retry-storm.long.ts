/** Many clients that send the same large submission with one key at once, as a broken retry loop does. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { testApp } from '../helpers/app.ts'
import { form, pack, simpleProject } from '../helpers/project.ts'

const clients = 50
const cutOff = 15

t.setTimeout(10 * 60_000)

t.test('fifty clients that send 20 MB with one key, some cut off, make one job', async t => {
  const { app, store } = await testApp(t)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const project = await pack({ ...simpleProject, data: randomBytes(15_000_000).toString('base64') })
  const payload = form({ project, parameters: { alpha: 1 } })
  t.ok(project.size > 11_000_000)
  const headers = { 'idempotency-key': 'storm' }
  const statuses: number[] = []

  /** Until it is taken, as the answers say. */
  async function submit(): Promise<string> {
    for (;;) {
      const response = await fetch(`${url}/jobs`, { method: 'POST', headers, body: payload })
      const body = JSON.parse(await response.text())
      statuses.push(response.status)
      if (response.status === 202) return body.id
      if (response.status !== 409) throw new Error(body.detail)
      await sleep(Number(response.headers.get('retry-after')) * 1000)
    }
  }

  /** Goes away after some of its bytes. */
  async function giveUp(n: number): Promise<void> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    socket.write(
      'POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nIdempotency-Key: storm\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 20000000\r\n\r\n--x\r\nContent-Disposition: form-data; name="project"; filename="p.tar.gz"\r\n\r\n'
    )
    socket.write(randomBytes(1_000_000 * (n % 5)))
    await sleep(50 * n)
    socket.destroy()
  }

  const [ids] = await Promise.all([
    Promise.all(Array.from({ length: clients - cutOff }, submit)),
    Promise.all(Array.from({ length: cutOff }, (_, n) => giveUp(n)))
  ])

  const jobs = await store.list({ limit: 9 })
  t.equal(jobs.length, 1)
  t.same(new Set(ids), new Set([jobs[0]?.id]))
  t.ok(statuses.every(status => status === 202 || status === 409))
  t.comment(`${statuses.filter(status => status === 409).length} answers were 409`)
})

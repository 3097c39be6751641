import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { testApp, testAppWith } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'

t.test('HEAD answers as GET does, without the body', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a' }))
  const urls = [
    '/',
    '/jobs',
    '/jobs/job-a',
    '/healthz',
    '/openapi.json',
    '/docs/errors',
    '/nowhere'
  ]

  for (const url of urls) {
    const get = await app.inject(url)
    const head = await app.inject({ method: 'HEAD', url })

    t.equal(head.statusCode, get.statusCode, url)
    t.equal(head.headers['content-type'], get.headers['content-type'], url)
    t.equal(head.body, '', url)
  }
})

t.test('HEAD of a log that is followed is answered at once', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'running' }))

  const response = await fetch(`${await app.listen()}/jobs/job-a/logs?follow=true`, {
    method: 'HEAD'
  })

  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), 'text/plain')
  t.equal(await response.text(), '')
})

t.test('nothing is stored on the way unless a route says so, and nothing guessed', async t => {
  const { app } = await testApp(t)

  for (const url of ['/jobs', '/healthz', '/readyz', '/nowhere'])
    t.match((await app.inject(url)).headers, {
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin'
    })
})

/** As many as tell what it is. */
const first = 'the first bytes '.repeat(32)
const form = `--b\r\ncontent-disposition: form-data; name="project"; filename="a"\r\n\r\n${first}`
const uploads: [url: string, type: string, sent: string][] = [
  ['/jobs', 'multipart/form-data; boundary=b', form],
  ['/projects', 'multipart/form-data; boundary=b', form],
  ['/projects', 'application/gzip', first]
]
for (const [url, type, sent] of uploads)
  t.test(
    `an upload of ${type} to ${url} that breaks off leaves nothing, and is no error`,
    async t => {
      const lines: string[] = []
      const stream = { write: (line: string) => void lines.push(line) }
      const { app, folder } = await testAppWith(t, { logger: { level: 'info', stream } })
      const socket = connect(Number(new URL(await app.listen()).port), '127.0.0.1')
      socket.write(
        `POST ${url} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: 1000000\r\n\r\n${sent}`
      )
      while ((await readdir(folder)).length === 0) await sleep(10)

      socket.destroy()

      while ((await readdir(folder)).length > 0) await sleep(10)
      await app.close()
      t.same(
        lines.filter(line => JSON.parse(line).level > 30),
        []
      )
    }
  )

t.test('who asks a service that is not ready is told when to ask again', async t => {
  const { app, store } = await testApp(t)
  await store.close()

  const response = await app.inject('/readyz')

  t.equal(response.statusCode, 503)
  t.equal(response.headers['retry-after'], '5')
})

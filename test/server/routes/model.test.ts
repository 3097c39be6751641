import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { modelKey } from '../../../src/server/storage/index.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'

const bytes = 'abcdefghij'

async function withModel(t: Test) {
  const parts = await testApp(t)
  await parts.store.insert(aJob({ id: 'job-a', status: 'succeeded' }))
  const file = join(parts.folder, 'model')
  await writeFile(file, bytes)
  await parts.storage.put(modelKey('job-a'), file)
  return parts
}

t.test('the whole archive comes with its length, its name and an ETag', async t => {
  const { app } = await withModel(t)

  const response = await app.inject('/jobs/job-a/model')

  t.equal(response.statusCode, 200)
  t.equal(response.body, bytes)
  t.match(response.headers, {
    'content-type': 'application/gzip',
    'content-length': '10',
    'content-disposition': 'attachment; filename="model.tar.gz"',
    'accept-ranges': 'bytes',
    etag: /^".+"$/
  })
})

const ranges: [header: string, status: number, body: string, contentRange?: string][] = [
  ['bytes=0-3', 206, 'abcd', 'bytes 0-3/10'],
  ['bytes=8-', 206, 'ij', 'bytes 8-9/10'],
  ['bytes=-3', 206, 'hij', 'bytes 7-9/10'],
  ['bytes=-100', 206, bytes, 'bytes 0-9/10'],
  ['bytes=5-100', 206, 'fghij', 'bytes 5-9/10'],
  ['bytes=0-1,4-5', 200, bytes],
  ['bytes=5-2', 200, bytes],
  ['lines=1-2', 200, bytes]
]
for (const [range, status, body, contentRange] of ranges)
  t.test(`Range: ${range} is answered with ${status} ${body}`, async t => {
    const { app } = await withModel(t)

    const response = await app.inject({ url: '/jobs/job-a/model', headers: { range } })

    t.equal(response.statusCode, status)
    t.equal(response.body, body)
    t.equal(response.headers['content-range'], contentRange)
  })

for (const range of ['bytes=10-', 'bytes=-0'])
  t.test(`Range: ${range} lies outside`, async t => {
    const { app } = await withModel(t)

    const response = await app.inject({ url: '/jobs/job-a/model', headers: { range } })

    t.equal(response.statusCode, 416)
    t.equal(response.headers['content-range'], 'bytes */10')
    t.equal(response.json().code, 'RANGE_NOT_SATISFIABLE')
  })

t.test('who has it already gets 304 and no bytes', async t => {
  const { app } = await withModel(t)
  const etag = String((await app.inject('/jobs/job-a/model')).headers.etag)

  const response = await app.inject({
    url: '/jobs/job-a/model',
    headers: { 'if-none-match': etag }
  })

  t.equal(response.statusCode, 304)
  t.equal(response.body, '')
})

t.test('a range of another version is answered whole', async t => {
  const { app } = await withModel(t)

  const response = await app.inject({
    url: '/jobs/job-a/model',
    headers: { range: 'bytes=0-1', 'if-range': '"other"' }
  })

  t.equal(response.statusCode, 200)
})

t.test('HEAD has the headers alone', async t => {
  const { app } = await withModel(t)

  const response = await app.inject({ method: 'HEAD', url: '/jobs/job-a/model' })

  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-length'], '10')
  t.equal(response.body, '')
})

t.test('a job that has not ended has no model yet', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'running' }))

  const response = await app.inject('/jobs/job-a/model')

  t.match(response.json(), { status: 409, code: 'MODEL_NOT_READY' })
})

t.test('a job that left none has none', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'failed' }))

  const response = await app.inject('/jobs/job-a/model')

  t.match(response.json(), { status: 404, code: 'MODEL_NOT_FOUND' })
})

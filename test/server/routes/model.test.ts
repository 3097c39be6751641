import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { modelKey } from '../../../src/server/storage/index.ts'
import { testApp } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'
import { appWithModel, modelArchive, type StoredModel } from '../../helpers/model.ts'
import { unzip } from '../../helpers/unzip.ts'

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

const files = { 'model/MLmodel': 'flavors: {}\n', 'model/weights.bin': 'w'.repeat(100_000) }
const gzip = 'application/gzip'
const zip = 'application/zip'

const wishes: [accept: string | undefined, query: string, type: string][] = [
  [undefined, '', gzip],
  ['*/*', '', gzip],
  ['text/html,application/xhtml+xml,*/*;q=0.8', '', gzip],
  ['application/*', '', gzip],
  [zip, '', zip],
  ['application/zip, */*;q=0.1', '', zip],
  ['application/gzip;q=0.5, application/zip', '', zip],
  ['*/*', '?format=zip', zip],
  [zip, '?format=tar.gz', gzip],
  ['text/html', '?format=zip', zip]
]
t.test('Accept decides between tar.gz and zip, and ?format before it', async t => {
  const { app } = await appWithModel(t, { files })

  for (const [accept, query, type] of wishes) {
    const response = await app.inject({
      url: `/jobs/job-a/model${query}`,
      headers: accept === undefined ? {} : { accept }
    })

    t.equal(response.statusCode, 200)
    t.equal(response.headers['content-type'], type, `${accept} with "${query}"`)
    t.equal(response.headers.vary, 'accept')
    const magic = type === zip ? [0x50, 0x4b] : [0x1f, 0x8b]
    t.same([...response.rawPayload.subarray(0, 2)], magic)
  }
})

t.test('a zip holds the files, has a name and an ETag of its own, and no ranges', async t => {
  const { app } = await appWithModel(t, { files })
  const { headers } = await app.inject('/jobs/job-a/model')

  const response = await app.inject({
    url: '/jobs/job-a/model?format=zip',
    headers: { range: 'bytes=0-1' }
  })

  t.equal(response.statusCode, 200)
  t.match(response.headers, {
    'content-disposition': 'attachment; filename="model.zip"',
    'accept-ranges': 'none',
    etag: /^W\/".+-zip"$/
  })
  t.notOk(response.headers['content-length'])
  t.not(response.headers.etag, headers.etag)
  const found = await unzip(response.rawPayload)
  t.same(
    [...found].map(([path, { bytes }]) => [path, `${bytes}`]),
    Object.entries(files)
  )
})

t.test('who has the zip already gets 304, and HEAD has its headers alone', async t => {
  const { app } = await appWithModel(t, { files })
  const url = '/jobs/job-a/model?format=zip'
  const { headers } = await app.inject(url)

  const head = await app.inject({ method: 'HEAD', url })
  const known = await app.inject({ url, headers: { 'if-none-match': String(headers.etag) } })

  t.equal(head.statusCode, 200)
  t.equal(head.body, '')
  for (const name of ['content-type', 'etag', 'accept-ranges', 'vary', 'content-disposition'])
    t.equal(head.headers[name], headers[name], name)
  t.equal(known.statusCode, 304)
})

t.test('other types are not there, and the answer says which are', async t => {
  const { app } = await appWithModel(t, { files })

  const response = await app.inject({
    url: '/jobs/job-a/model',
    headers: { accept: 'text/html, application/x-tar' }
  })

  t.match(response.json(), {
    status: 406,
    code: 'NOT_ACCEPTABLE',
    detail: 'The model is there as application/gzip and as application/zip; Accept allows neither.'
  })
  t.equal(response.headers.vary, 'accept')
})

const noZip: [what: string, model: StoredModel][] = [
  ['with a name that a zip cannot hold', { files: { 'a\\b': 'x' } }],
  ['without a list of its files', { files, list: [] }]
]
for (const [what, model] of noZip)
  t.test(`a model ${what} is not there as a zip, and is as tar.gz`, async t => {
    const { app } = await appWithModel(t, model)

    const refused = await app.inject('/jobs/job-a/model?format=zip')
    const archive = await app.inject('/jobs/job-a/model')

    t.match(refused.json(), { status: 406, code: 'NOT_ACCEPTABLE' })
    t.equal(archive.statusCode, 200)
  })

t.test('an archive that cannot be read is no zip, and is told as a problem', async t => {
  const { app } = await appWithModel(t, { files, archive: Buffer.from('nothing') })

  const response = await app.inject('/jobs/job-a/model?format=zip')

  t.match(response.json(), { status: 409, code: 'MODEL_UNREADABLE' })
  t.notOk(response.headers['content-disposition'])
})

t.test('a zip that breaks off breaks the connection', async t => {
  const archive = modelArchive(files).subarray(0, -50)
  const { app } = await appWithModel(t, { files, archive })
  await app.listen({ port: 0 })
  const { port } = app.server.address() as AddressInfo

  const response = await fetch(`http://localhost:${port}/jobs/job-a/model?format=zip`)

  t.equal(response.status, 200)
  await t.rejects(response.arrayBuffer())
})

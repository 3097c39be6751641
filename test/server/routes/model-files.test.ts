import { createHash } from 'node:crypto'
import { type ClientRequest, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import { modelKey, type Storage } from '../../../src/server/storage/index.ts'
import { createS3 } from '../../../src/server/storage/s3.ts'
import { testApp } from '../../helpers/app.ts'
import { makeTar } from '../../helpers/archives.ts'
import { aJob } from '../../helpers/job-record.ts'
import { appWithModel, listed, listOf, modelArchive } from '../../helpers/model.ts'
import { s3ClientFor } from '../../helpers/s3-client.ts'
import { startS3 } from '../../helpers/s3-server.ts'

const bucket = 'mlflow-jobs-model-files'
const server = await startS3()
t.teardown(() => server.stop())
await server.makeBucket(bucket)
const client = s3ClientFor(server.endpoint, server.environment)

const weights = Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => (n * 2654435761) >>> 24))
const files = { 'model/MLmodel': 'flavors: {}\n', 'model/weights.bin': weights }
const url = '/jobs/job-a/model/files/model/weights.bin'
const sha256 = createHash('sha256').update(weights).digest()

const storages: Record<string, () => (dataDir: string) => Storage> = {
  filesystem: () => createFilesystem,
  s3: () => () => createS3({ bucket, prefix: `${Date.now()}/`, customEndpoint: true, client })
}
for (const [name, makeStorage] of Object.entries(storages)) {
  t.test(`${name}: one file comes with its length, type, name, ETag and digest`, async t => {
    const { app } = await appWithModel(t, { files }, makeStorage())

    const response = await app.inject(url)

    t.equal(response.statusCode, 200)
    t.ok(response.rawPayload.equals(weights))
    t.match(response.headers, {
      'content-type': 'application/octet-stream',
      'content-length': `${weights.length}`,
      'content-disposition': 'inline; filename=weights.bin',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      etag: `"${sha256.toString('hex')}"`,
      'repr-digest': `sha-256=:${sha256.toString('base64')}:`
    })
  })

  t.test(`${name}: a range of one file, unless it is of another version`, async t => {
    const { app } = await appWithModel(t, { files }, makeStorage())
    const range = 'bytes=1500000-2500000'
    const etag = `"${sha256.toString('hex')}"`

    const part = await app.inject({ url, headers: { range, 'if-range': etag } })
    const whole = await app.inject({ url, headers: { range, 'if-range': '"other"' } })

    t.equal(part.statusCode, 206)
    t.equal(part.headers['content-range'], `bytes 1500000-2500000/${weights.length}`)
    t.equal(part.headers['content-length'], '1000001')
    t.equal(part.headers['repr-digest'], `sha-256=:${sha256.toString('base64')}:`)
    t.ok(part.rawPayload.equals(weights.subarray(1_500_000, 2_500_001)))
    t.equal(whole.statusCode, 200)
    t.ok(whole.rawPayload.equals(weights))
  })

  t.test(`${name}: HEAD has the headers of GET and no bytes`, async t => {
    const { app } = await appWithModel(t, { files }, makeStorage())

    const get = await app.inject(url)
    const head = await app.inject({ method: 'HEAD', url, headers: { range: 'bytes=0-1' } })

    t.equal(head.statusCode, 200)
    t.equal(head.body, '')
    t.same(comparable(head.headers), comparable(get.headers))
  })
}

const comparable = ({
  date,
  connection,
  'x-request-id': id,
  ...headers
}: Record<string, unknown>) => headers

t.test('who has the file already gets 304 and no bytes', async t => {
  const { app } = await appWithModel(t, { files })
  const etag = `"${sha256.toString('hex')}"`

  const response = await app.inject({ url, headers: { 'if-none-match': `"x", W/${etag}` } })

  t.equal(response.statusCode, 304)
  t.equal(response.headers.etag, etag)
  t.equal(response.body, '')
})

t.test('a range beyond the file is refused with the length that it has', async t => {
  const { app } = await appWithModel(t, { files })

  const response = await app.inject({ url, headers: { range: `bytes=${weights.length}-` } })

  t.equal(response.statusCode, 416)
  t.equal(response.headers['content-range'], `bytes */${weights.length}`)
  t.equal(response.headers['repr-digest'], undefined)
})

const types: [path: string, type: string][] = [
  ['MLmodel', 'text/yaml; charset=utf-8'],
  ['conda.yaml', 'text/yaml; charset=utf-8'],
  ['requirements.txt', 'text/plain; charset=utf-8'],
  ['train.LOG', 'text/plain; charset=utf-8'],
  ['code/train.py', 'text/plain; charset=utf-8'],
  ['input_example.json', 'application/json; charset=utf-8'],
  ['confusion.png', 'image/png'],
  ['model.pkl', 'application/octet-stream'],
  ['html', 'application/octet-stream'],
  ['page.html', 'text/html; charset=utf-8'],
  ['plot.svg', 'image/svg+xml'],
  ['constructor', 'application/octet-stream'],
  ['__proto__', 'application/octet-stream']
]
t.test('a file has the type that its name says, and nothing of it runs in a browser', async t => {
  const bodies = Object.fromEntries(types.map(([path]) => [path, '<script>alert(1)</script>']))
  const { app } = await appWithModel(t, { files: bodies })

  for (const [path, type] of types) {
    const { headers } = await app.inject(`/jobs/job-a/model/files/${path}`)

    t.equal(headers['content-type'], type)
    t.match(headers['content-security-policy'], /^default-src 'none';.* sandbox$/)
    t.equal(headers['x-content-type-options'], 'nosniff')
  }
})

const names = [
  'a b/100%/c#d?e&f=g+h;i.txt',
  'größe/模型.json',
  `${'long-folder/'.repeat(20)}file`,
  '%2e%2e/%2F/literal',
  'back\\slash "quoted".txt',
  'new\r\nline: x'
]
t.test('any name is found by the link in the list, and as one segment', async t => {
  const bodies = Object.fromEntries(names.map(name => [name, name]))
  const { app } = await appWithModel(t, { files: bodies })
  const { items } = (await app.inject('/jobs/job-a/model/files')).json()

  for (const [n, name] of names.entries()) {
    const linked = await app.inject(items[n].links.self)
    const encoded = await app.inject(`/jobs/job-a/model/files/${encodeURIComponent(name)}`)

    t.equal(linked.body, name)
    t.equal(encoded.body, name)
  }
})

t.test('a file name that is no ASCII is told in both ways (RFC 8187)', async t => {
  const { app } = await appWithModel(t, { files: { 'a/模型.json': '{}' } })

  const response = await app.inject(`/jobs/job-a/model/files/a/${encodeURIComponent('模型.json')}`)

  t.equal(
    response.headers['content-disposition'],
    `inline; filename="??.json"; filename*=UTF-8''%E6%A8%A1%E5%9E%8B.json`
  )
})

t.test('what is no listed file is not there: folders, other spellings, what leads out', async t => {
  const { app } = await appWithModel(t, { files })

  for (const path of ['model', 'model/', '', 'model/nope', '..%2Fjob-a', '/model/MLmodel']) {
    const response = await app.inject(`/jobs/job-a/model/files/${path}`)
    t.match(response.json(), { status: 404, code: 'MODEL_FILE_NOT_FOUND' }, path)
  }
})

t.test('a file of the archive that the report does not list is not there', async t => {
  const { app } = await appWithModel(t, { files, list: listOf({ 'model/MLmodel': 'x' }) })
  t.match((await app.inject(url)).json(), { status: 404, code: 'MODEL_FILE_NOT_FOUND' })
})

t.test('a name that is not rightly encoded is refused', async t => {
  const { app } = await appWithModel(t, { files })
  t.equal((await app.inject('/jobs/job-a/model/files/%E6%ZZ')).statusCode, 400)
})

t.test('a link under a listed name is told before the first byte', async t => {
  const link = { path: 'model/weights.bin', type: '2', linkPath: '/etc/passwd' }
  const { app } = await appWithModel(t, { files, archive: gzipSync(makeTar([link])) })

  const response = await app.inject(url)

  t.match(response.json(), {
    status: 409,
    code: 'MODEL_UNREADABLE',
    detail: /model\/weights.bin cannot be read out of model.tar.gz: it is a symbolic link/
  })
  t.match(response.headers, { 'content-type': /^application\/problem\+json/ })
  for (const header of ['etag', 'repr-digest', 'content-disposition', 'accept-ranges'])
    t.notOk(response.headers[header], header)
})

t.test('where an archive is damaged in the middle of a file, the connection breaks', async t => {
  const archive = modelArchive(files).subarray(0, -30_000)
  const { app } = await appWithModel(t, { files, archive })
  await app.listen({ port: 0 })

  const response = await fetch(
    `http://localhost:${(app.server.address() as AddressInfo).port}${url}`
  )

  t.equal(response.status, 200)
  await t.rejects(response.arrayBuffer())
})

t.test('when the client has gone, the archive is read no more', async t => {
  const stalled = new PassThrough()
  const reading = Promise.withResolvers<Readable>()
  const { app } = await appWithModel(t, { files }, dataDir => ({
    ...createFilesystem(dataDir),
    async read(key) {
      if (key !== modelKey('job-a')) return createFilesystem(dataDir).read(key)
      stalled.write(modelArchive(files).subarray(0, 1000))
      reading.resolve(stalled)
      return stalled
    }
  }))
  await app.listen({ port: 0 })
  const { port } = app.server.address() as AddressInfo
  const request: ClientRequest = httpRequest({ port, path: url }).on('error', () => {})
  request.end()
  const stream = await reading.promise

  request.destroy()

  await new Promise(resolve => stream.once('close', resolve))
  t.ok(stream.destroyed)
})

t.test('the list names every file, and pages go on where the one before ended', async t => {
  const many = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`f/${n}`, `${n}`]))
  const { app } = await appWithModel(t, { files: many })
  const list = '/jobs/job-a/model/files'

  const whole = (await app.inject(list)).json()
  const first = (await app.inject(`${list}?limit=4`)).json()
  const second = (await app.inject(`${list}?limit=4&cursor=${first.nextCursor}`)).json()

  t.same(whole.items[3], { ...listed('f/3', '3'), links: { self: `${list}/f/3` } })
  t.equal(whole.nextCursor, null)
  t.equal(first.items.length, 4)
  t.same([...first.items, ...second.items], whole.items)
  t.equal(second.nextCursor, null)
})

t.test('a prefix leaves out the rest', async t => {
  const { app } = await appWithModel(t, { files: { 'a/x': '1', 'a/y': '2', 'ab/z': '3', a: '4' } })

  const { items } = (await app.inject('/jobs/job-a/model/files?prefix=a/')).json()

  t.same(
    items.map(({ path }: { path: string }) => path),
    ['a/x', 'a/y']
  )
})

t.test('names that lead out of a folder are not listed, and a name once', async t => {
  const hostile = ['../x', '/etc/passwd', 'a/../../x', './x', 'a//b', '', 'x\0y', 'a/', 'fine']
  const list = [...hostile, 'fine'].map(path => listed(path, path))
  const { app } = await appWithModel(t, { files: {}, list })

  const { items } = (await app.inject('/jobs/job-a/model/files')).json()

  t.same(
    items.map(({ path }: { path: string }) => path),
    ['fine']
  )
})

t.test('a limit that is none, a foreign cursor and unknown names are refused', async t => {
  const { app } = await appWithModel(t, { files })

  for (const query of ['limit=0', 'limit=10001', 'cursor=nonsense', 'offset=1'])
    t.equal((await app.inject(`/jobs/job-a/model/files?${query}`)).statusCode, 400, query)
})

t.test('a job that has not ended has no files yet, and none that left no model', async t => {
  const { app, store } = await testApp(t)
  await store.insert(aJob({ id: 'job-a', status: 'running' }))
  await store.insert(aJob({ id: 'job-b', status: 'failed' }))

  for (const path of ['', '/MLmodel']) {
    const running = await app.inject(`/jobs/job-a/model/files${path}`)
    const failed = await app.inject(`/jobs/job-b/model/files${path}`)
    t.match(running.json(), { status: 409, code: 'MODEL_NOT_READY' })
    t.match(failed.json(), { status: 404, code: 'MODEL_NOT_FOUND' })
  }
})

t.test('the document knows the route with the path as a parameter', async t => {
  const { app } = await testApp(t)
  await app.ready()

  const paths = app.swagger().paths as Record<string, { get: { parameters: { name: string }[] } }>

  const parameters = paths['/jobs/{id}/model/files/{path}']?.get.parameters
  t.same(
    parameters?.slice(0, 2).map(({ name }) => name),
    ['id', 'path']
  )
})

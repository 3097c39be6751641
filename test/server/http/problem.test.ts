import { readdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'
import t from 'tap'
import { errorEntry } from '../../../src/server/error-guide.ts'
import { IdempotencyKeyInUse, IdempotencyKeyReused } from '../../../src/server/errors.ts'
import { toProblem } from '../../../src/server/http/problem.ts'
import { testApp, testAppWith } from '../../helpers/app.ts'
import { aJob } from '../../helpers/job-record.ts'

interface Refused {
  title: string
  request: object
  status: number
  code: string
  detail?: string | RegExp
}

const json = { 'content-type': 'application/json' }
const multipart = { 'content-type': 'multipart/form-data; boundary=x' }
const field = (name: string, type = 'text/plain') =>
  `--x\r\ncontent-disposition: form-data; name="${name}"\r\ncontent-type: ${type}\r\n\r\n{\r\n`
const post = { method: 'POST', url: '/jobs' }

const refused: Refused[] = [
  {
    title: 'a path that leads nowhere',
    request: { url: '/nowhere?x=1' },
    status: 404,
    code: 'NOT_FOUND',
    detail: 'There is nothing at GET /nowhere.'
  },
  {
    title: 'a file of the documentation that is not there',
    request: { url: '/docs/static/nope.js' },
    status: 404,
    code: 'NOT_FOUND'
  },
  {
    title: 'an id beyond all measure',
    request: { url: `/jobs/${'x'.repeat(5000)}` },
    status: 404,
    code: 'JOB_NOT_FOUND'
  },
  {
    title: 'a method that the address does not take',
    request: { method: 'PUT', url: '/jobs?x=1' },
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    detail: 'PUT is not possible at /jobs; possible is GET, HEAD, POST, OPTIONS.'
  },
  {
    title: 'a path with a broken percent-encoding',
    request: { url: '/jobs/%zz' },
    status: 400,
    code: 'MALFORMED_REQUEST',
    detail: 'The path is not percent-encoded UTF-8.'
  },
  {
    title: 'a path that is no UTF-8',
    request: { url: '/jobs/%ff' },
    status: 400,
    code: 'MALFORMED_REQUEST'
  },
  {
    title: 'a body that is said to be JSON, and is not',
    request: { ...post, url: '/jobs/x/stop', headers: json, payload: '{' },
    status: 400,
    code: 'MALFORMED_REQUEST',
    detail: /^The body is not JSON: /
  },
  {
    title: 'a body beyond the limit',
    request: {
      ...post,
      url: '/jobs/x/stop',
      headers: json,
      payload: JSON.stringify('x'.repeat(17 * 1024 * 1024))
    },
    status: 413,
    code: 'REQUEST_TOO_LARGE',
    detail: 'The body is larger than 16777216 bytes, the limit of this service.'
  },
  {
    title: 'a body of a type that nobody reads',
    request: { ...post, headers: { 'content-type': 'application/xml' }, payload: '<a/>' },
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
    detail: /^The body is application\/xml\. Send multipart\/form-data/
  },
  {
    title: 'a type that is none',
    request: { ...post, headers: { 'content-type': 'nonsense' }, payload: 'x' },
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE'
  },
  {
    title: 'a form without its boundary',
    request: { ...post, headers: { 'content-type': 'multipart/form-data' }, payload: 'x' },
    status: 400,
    code: 'MALFORMED_REQUEST',
    detail: 'The form cannot be read: Multipart: Boundary not found.'
  },
  {
    title: 'a form that ends in its midst',
    request: { ...post, headers: multipart, payload: field('name') },
    status: 400,
    code: 'MALFORMED_REQUEST',
    detail: 'The form cannot be read: Unexpected end of multipart data.'
  },
  {
    title: 'a form with a field that is said to be JSON, and is not',
    request: {
      ...post,
      headers: multipart,
      payload: `${field('parameters', 'application/json')}--x--\r\n`
    },
    status: 400,
    code: 'MALFORMED_REQUEST',
    detail: /^The field "parameters" is not JSON: /
  },
  {
    title: 'a form with a field that cannot be named so',
    request: { ...post, headers: multipart, payload: `${field('__proto__')}--x--\r\n` },
    status: 400,
    code: 'MALFORMED_REQUEST',
    detail: 'The form has a field with a name that no field can have, such as __proto__.'
  },
  {
    title: 'a form with more parts than it may have',
    request: { ...post, headers: multipart, payload: `${field('a').repeat(101)}--x--\r\n` },
    status: 413,
    code: 'REQUEST_TOO_LARGE',
    detail: 'The form has more than 100 parts, the limit of this service.'
  },
  {
    title: 'an expectation that cannot be met',
    request: { ...post, headers: { ...json, expect: 'a miracle' }, payload: '{}' },
    status: 417,
    code: 'EXPECTATION_FAILED',
    detail: 'The only expectation that can be met is "100-continue"; this one is "a miracle".'
  }
]

for (const { title, request, status, code, detail = /./ } of refused)
  t.test(`${title}: ${status} ${code}`, async t => {
    const { app } = await testApp(t)

    const response = await app.inject(request)

    const problem = response.json()
    t.equal(response.statusCode, status, response.body)
    t.match(response.headers, {
      'content-type': /^application\/problem\+json/,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': problem.instance
    })
    t.match(problem, {
      type: `/docs/errors#${code}`,
      title: errorEntry(code)?.meaning,
      status,
      code,
      detail
    })
  })

t.test('every fault of a query is named at once', async t => {
  const { app } = await testApp(t)

  const response = await app.inject('/jobs?limit=0&status=done&colour=red')

  t.equal(response.statusCode, 400)
  t.match(response.json(), {
    code: 'INVALID_REQUEST',
    detail: 'The request has 3 faults; "errors" names each.'
  })
  t.same(
    response
      .json()
      .errors.map(({ pointer }: { pointer: string }) => pointer)
      .toSorted(),
    ['/querystring', '/querystring/limit', '/querystring/status/0']
  )
})

t.test('what will pass is answered with the time to try again', async t => {
  const app = Fastify().setErrorHandler(toProblem)
  app.get('/passing', async () => {
    throw new IdempotencyKeyInUse('a-key')
  })
  app.get('/lasting', async () => {
    throw new IdempotencyKeyReused('a-key')
  })

  t.equal((await app.inject('/passing')).headers['retry-after'], '5')
  t.equal((await app.inject('/lasting')).headers['retry-after'], undefined)
})

t.test(
  'a disk that fills up under an upload is said to be full, whatever became of the request',
  async t => {
    const { app } = await testApp(t)
    app.post('/filling', async request => {
      // As an upload does that cannot be written.
      request.raw.destroy()
      throw Object.assign(new Error('no space left on device, write'), { code: 'ENOSPC' })
    })

    const answer = await app.inject({ method: 'POST', url: '/filling' })

    t.match(answer.json(), { status: 503, code: 'DISK_FULL' })
    t.equal(answer.headers['retry-after'], '5')
  }
)

t.test(
  'what the disk or the machine denies for now is a 503, what is missing a defect',
  async t => {
    const { app } = await testApp(t)
    app.post<{ Params: { code: string; errno: number } }>('/denied/:code/:errno', async request => {
      const { code, errno } = request.params
      throw Object.assign(new Error('no'), { code, errno: Number(errno), syscall: 'open' })
    })

    const many = await app.inject({ method: 'POST', url: '/denied/EMFILE/-24' })
    const missing = await app.inject({ method: 'POST', url: '/denied/ENOENT/-2' })

    t.match(many.json(), {
      status: 503,
      code: 'STORAGE_UNAVAILABLE',
      detail: 'The service’s disk cannot be used now: too many open files (EMFILE).'
    })
    t.equal(many.headers['retry-after'], '5')
    t.match(missing.json(), { status: 500, code: 'INTERNAL_ERROR' })
  }
)

t.test('a database whose disk is full is said to be so', async t => {
  const { app } = await testApp(t)
  const database = new DatabaseSync(':memory:')
  t.teardown(() => database.close())
  database.exec('CREATE TABLE jobs (document TEXT); PRAGMA max_page_count = 2')
  app.post('/filling', async () => {
    database.prepare('INSERT INTO jobs VALUES (?)').run('x'.repeat(100_000))
  })

  const answer = await app.inject({ method: 'POST', url: '/filling' })

  t.match(answer.json(), { status: 503, code: 'DISK_FULL' })
})

t.test('headers of a form that explode are cut off, not kept', async t => {
  const { app, folder } = await testApp(t)
  const bomb = `--x\r\n${'a: b\r\n'.repeat(500_000)}\r\n\r\nx\r\n--x--\r\n`

  const response = await app.inject({ ...post, headers: multipart, payload: bomb } as object)

  t.ok([400, 422].includes(response.statusCode), response.body)
  t.match(response.headers['content-type'], 'application/problem+json')
  t.same(await readdir(folder), [], 'nothing is left behind')
})

t.test('an error of the inside is answered without it, and logged with it', async t => {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  const { app, store } = await testAppWith(t, { logger: { level: 'error', stream } })
  await store.insert(aJob({ id: 'job-a' }))
  await store.close()

  const response = await app.inject({ url: '/jobs/job-a', headers: { 'x-request-id': 'find-me' } })

  t.equal(response.statusCode, 500)
  t.match(response.json(), { code: 'INTERNAL_ERROR', instance: 'find-me' })
  t.notMatch(response.body, /sql|database/i)
  t.match(lines.join(''), /"reqId":"find-me".*database is not open/)
})

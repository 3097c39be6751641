/** What S3 and the network do to calls now and then, by a server that does it on purpose. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { createS3, type S3Options } from '../../../src/server/storage/s3.ts'
import { s3ClientFor } from '../../helpers/s3-client.ts'

const key = 'jobs/job-1/log.txt'
const bytes = randomBytes(5 * 1024 * 1024)

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

/** A storage whose n-th request gets the n-th answer, and those after the last one the last. */
async function storageThat(t: Test, ...answers: Answer[]) {
  return storageWith(t, {}, answers)
}

async function storageWith(t: Test, options: Partial<S3Options>, answers: Answer[]) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    const answer = answers[Math.min(requests.push(request), answers.length) - 1]
    answer?.(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const storage = createS3({
    bucket: 'a-bucket',
    prefix: '',
    customEndpoint: true,
    client: s3ClientFor(`http://127.0.0.1:${port}`),
    uploadLimits: { pauseMilliseconds: 1 },
    ...options
  })
  return { storage, requests }
}

const fails =
  (status: number, code: string): Answer =>
  async (request, response) => {
    await buffer(request)
    response.writeHead(status, { 'content-type': 'application/xml' })
    response.end(
      request.method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>No.</Message></Error>`
    )
  }

const resets: Answer = request => request.once('data', () => request.socket.destroy())

const storesIn =
  (stored: Buffer[]): Answer =>
  async (request, response) => {
    stored.push(await buffer(request))
    response.end()
  }

for (const [title, answers] of [
  ['connections that break midway', [resets, resets]],
  ['a fault of the store', [fails(500, 'InternalError')]],
  ['throttling', [fails(503, 'SlowDown'), fails(503, 'SlowDown')]],
  ['a call that was under way', [fails(409, 'ConditionalRequestConflict')]],
  ['bytes that were damaged on the way', [fails(400, 'BadDigest')]]
] as const)
  t.test(`an upload survives ${title}, and is whole`, async t => {
    const stored: Buffer[] = []
    const { storage, requests } = await storageThat(t, ...answers, storesIn(stored))
    const file = fileWith(t, bytes)

    await storage.put(key, file)

    t.equal(requests.length, answers.length + 1)
    t.equal(stored.length, 1)
    t.ok(stored[0]?.equals(bytes))
    t.notOk(existsSync(file))
  })

t.test(
  'an upload carries its length and the CRC32 of its bytes, and is no chunked one',
  async t => {
    const { storage, requests } = await storageThat(t, storesIn([]))
    await storage.put(key, fileWith(t, bytes), { ifAbsent: true })
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(bytes))
    t.match(requests[0]?.headers, {
      'content-length': String(bytes.length),
      'x-amz-checksum-crc32': sum.toString('base64'),
      'if-none-match': '*'
    })
    t.notMatch(requests[0]?.headers, { 'content-encoding': /./ })
  }
)

t.test('an upload that fails for good says so, and leaves the file', async t => {
  const { storage, requests } = await storageThat(t, fails(503, 'SlowDown'))
  const file = fileWith(t, bytes)
  await t.rejects(storage.put(key, file), {
    message: '"jobs/job-1/log.txt" was not stored: the S3 endpoint answered 503 SlowDown: No.'
  })
  t.equal(requests.length, 5)
  t.ok(existsSync(file))
})

t.test('an upload that is refused is not tried again', async t => {
  const { storage, requests } = await storageThat(t, fails(403, 'AccessDenied'))
  await t.rejects(storage.put(key, fileWith(t, bytes)), {
    message: /access to the bucket a-bucket is denied/
  })
  t.equal(requests.length, 1)
})

const isSilent: Answer = () => {}

t.test('a store that takes a connection and then nothing is not waited for', async t => {
  const uploadLimits = { silentMilliseconds: 100 }
  const { storage, requests } = await storageWith(t, { uploadLimits }, [isSilent])
  const files = Array.from({ length: 6 }, (_, n) => fileWith(t, bytes, `file-${n}`))

  const puts = await Promise.allSettled(files.map(file => storage.put(key, file)))

  for (const put of puts)
    t.match(put, {
      status: 'rejected',
      reason: {
        code: 'STORAGE_UNAVAILABLE',
        message: /the S3 endpoint does not answer \(nothing was taken for 0.1 seconds\)/
      }
    })
  t.equal(requests.length, 4, 'what waited for its turn meanwhile shares the fate')
  t.ok(files.every(file => existsSync(file)))
})

t.test('a store that takes bytes slowly is waited for', async t => {
  const stored: Buffer[] = []
  const slowly: Answer = async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) {
      chunks.push(chunk)
      if (chunks.length % 20 === 0) await sleep(50)
    }
    stored.push(Buffer.concat(chunks))
    response.end()
  }
  const uploadLimits = { silentMilliseconds: 500 }
  const { storage } = await storageWith(t, { uploadLimits }, [slowly])
  await storage.put(key, fileWith(t, bytes))
  t.ok(stored[0]?.equals(bytes))
})

t.test('questions to a silent store end, and the check after one attempt', async t => {
  const { storage, requests } = await storageWith(t, { answerMilliseconds: 50 }, [isSilent])
  const unavailable = { code: 'STORAGE_UNAVAILABLE', message: /does not answer/ }
  await t.rejects(storage.check(), unavailable)
  t.equal(requests.length, 1)
  await t.rejects(storage.stat(key), unavailable)
  await t.rejects(storage.read(key), unavailable)
  await t.rejects(storage.remove(key), unavailable)
  await t.rejects(storage.remove('jobs/job-1/'), unavailable)
})

t.test('412 is a failure where no object was to be kept', async t => {
  const { storage } = await storageThat(t, fails(412, 'PreconditionFailed'))
  const file = fileWith(t, bytes)
  await t.rejects(storage.put(key, file), { message: /412 PreconditionFailed/ })
  t.ok(existsSync(file))
})

t.test(
  'a conflict and then an object that is there: it was to be put only when absent',
  async t => {
    const { storage, requests } = await storageThat(
      t,
      fails(409, 'ConditionalRequestConflict'),
      fails(412, 'PreconditionFailed')
    )
    await storage.put(key, fileWith(t, bytes), { ifAbsent: true })
    t.equal(requests.length, 2)
  }
)

for (const [title, cut] of [
  ['is cut off', (response: ServerResponse) => response.end()],
  ['breaks', (response: ServerResponse) => response.destroy()]
] as const)
  t.test(`a download that ${title} is an error, never a shorter object`, async t => {
    const { storage } = await storageThat(t, (_, response) => {
      response.strictContentLength = false
      response.writeHead(200, { 'content-length': 1000, connection: 'close' })
      response.write('x'.repeat(500), () => cut(response))
    })
    await t.rejects(buffer(await storage.read(key)), { code: 'ECONNRESET' })
  })

t.test('reading and asking are tried again after a fault of the store', async t => {
  const fine: Answer = (_, response) => response.writeHead(200, { 'content-length': 0 }).end()
  const reading = await storageThat(t, fails(500, 'InternalError'), fails(503, 'SlowDown'), fine)
  await reading.storage.read(key)
  const asking = await storageThat(t, fails(503, 'SlowDown'), fine)
  await asking.storage.stat(key)
  t.equal(reading.requests.length + asking.requests.length, 5)
})

t.test('a reader that goes away closes its connection', async t => {
  const { storage, requests } = await storageThat(t, (_, response) => {
    response.write(bytes)
  })
  const reader = await storage.read(key)
  const closed = new Promise(resolve => requests[0]?.socket.once('close', resolve))
  reader.destroy()
  await t.resolves(closed)
})

t.test('many slow downloads leave room for other calls', async t => {
  const { storage, requests } = await storageThat(t, (request, response) => {
    if (request.method === 'HEAD') response.end()
    else response.write('x')
  })
  const readers = await Promise.all(Array.from({ length: 120 }, () => storage.read(key)))
  t.ok(await storage.stat(key))
  t.equal(requests.length, 121)
  for (const reader of readers) reader.destroy()
})

t.test('an object that may not be seen is not taken for missing', async t => {
  const { storage } = await storageThat(t, fails(403, 'AccessDenied'))
  await t.rejects(storage.stat(key), { message: /^Nothing is known of .* is denied/ })
  await t.rejects(storage.read(key), { message: /cannot be read: .* is denied/ })
})

for (const code of ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken'])
  t.test(`checking explains ${code}`, async t => {
    const { storage } = await storageThat(t, fails(403, code))
    await t.rejects(storage.check(), {
      message: `The storage cannot be used: the AWS credentials are not accepted (${code}). Set valid ones, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`
    })
  })

t.test('checking says that the bucket is in another region', async t => {
  const { storage } = await storageThat(t, fails(301, 'PermanentRedirect'))
  await t.rejects(storage.check(), { message: /in another region. Set AWS_REGION/ })
})

t.test('all pages of a list are removed, each by one call', async t => {
  const removed: string[] = []
  const lists: Answer = ({ url = '' }, response) => {
    const first = !url.includes('continuation-token=next')
    const keys = (first ? ['a', 'b'] : ['c']).map(
      name => `<Contents><Key>jobs/j/${name}</Key></Contents>`
    )
    const more =
      '<IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken>'
    response.end(`<ListBucketResult>${keys.join('')}${first ? more : ''}</ListBucketResult>`)
  }
  const removes: Answer = async (request, response) => {
    for (const [, one = ''] of `${await buffer(request)}`.matchAll(/<Key>(.*?)<.Key>/g))
      removed.push(one)
    response.end('<DeleteResult/>')
  }
  const { storage, requests } = await storageThat(t, lists, removes, lists, removes)
  await storage.remove('jobs/j/')
  t.strictSame(removed, ['jobs/j/a', 'jobs/j/b', 'jobs/j/c'])
  t.equal(requests.length, 4)
})

t.test(
  'an object of many that was not removed is an error, for the call itself succeeds',
  async t => {
    const { storage } = await storageThat(
      t,
      (_, response) =>
        response.end(
          '<ListBucketResult><Contents><Key>jobs/a/1</Key></Contents></ListBucketResult>'
        ),
      (_, response) =>
        response.end(
          '<DeleteResult><Error><Key>jobs/a/1</Key><Code>AccessDenied</Code></Error></DeleteResult>'
        )
    )
    await t.rejects(storage.remove('jobs/a/'), {
      message: '"jobs/a/" was not removed: jobs/a/1 was not removed (AccessDenied).'
    })
  }
)

function fileWith(t: Test, content: Buffer, name = 'file'): string {
  const file = join(t.testdirName, name)
  mkdirSync(t.testdirName, { recursive: true })
  writeFileSync(file, content)
  return file
}

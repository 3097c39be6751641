/** What every storage must do, wherever it keeps its bytes. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Storage } from '../../src/server/storage/index.ts'

const key = 'jobs/job-1/output/model.tar.gz'

/** `makeStorage` answers an empty storage each time. */
export function storageSuite(t: Test, makeStorage: (t: Test) => Promise<Storage>): void {
  t.test('answers the bytes that were put, and takes the file over', async t => {
    const storage = await makeStorage(t)
    const bytes = randomBytes(3 * 1024 * 1024 + 7)
    const file = fileWith(t, bytes)
    await storage.put(key, file)
    t.ok((await readAll(storage)).equals(bytes))
    t.match(await storage.stat(key), { sizeBytes: bytes.length, modifiedAt: Date })
    t.notOk(existsSync(file))
  })

  t.test('keeps an empty object', async t => {
    const storage = await makeStorage(t)
    await storage.put(key, fileWith(t, ''))
    t.equal((await storage.stat(key))?.sizeBytes, 0)
    t.equal(`${await readAll(storage)}`, '')
  })

  t.test('answers undefined for what is not there, a prefix too, and cannot read it', async t => {
    const storage = await makeStorage(t)
    await storage.put(key, fileWith(t, 'model'))
    for (const missing of ['jobs/job-2/log.txt', 'jobs/job-1/output', `${key}/deeper`]) {
      t.equal(await storage.stat(missing), undefined)
      await t.rejects(storage.read(missing), {
        message: `The storage has no object "${missing}".`
      })
    }
  })

  t.test('reads ranges, both ends included', async t => {
    const storage = await makeStorage(t)
    await storage.put(key, fileWith(t, '0123456789'))
    t.equal(`${await readAll(storage, { start: 2, end: 4 })}`, '234')
    t.equal(`${await readAll(storage, { start: 0, end: 0 })}`, '0')
    t.equal(`${await readAll(storage, { start: 7 })}`, '789')
    t.equal(`${await readAll(storage, { end: 1 })}`, '01')
    t.equal(`${await readAll(storage, { start: 8, end: 99 })}`, '89')
  })

  t.test('replaces an object, and its etag with it', async t => {
    const storage = await makeStorage(t)
    await storage.put(key, fileWith(t, 'first'))
    const before = await storage.stat(key)
    t.same(await storage.stat(key), before)
    await storage.put(key, fileWith(t, 'other'))
    const after = await storage.stat(key)
    t.equal(`${await readAll(storage)}`, 'other')
    t.match(before?.etag, /^"[^"]+"$/)
    t.match(after?.etag, /^"[^"]+"$/)
    t.not(after?.etag, before?.etag)
  })

  t.test('keeps the object that is there if it was to be put only when absent', async t => {
    const storage = await makeStorage(t)
    const [first, second] = [fileWith(t, 'first'), fileWith(t, 'second')]
    await storage.put(key, first, { ifAbsent: true })
    const before = await storage.stat(key)
    await storage.put(key, second, { ifAbsent: true })
    t.equal(`${await readAll(storage)}`, 'first')
    t.same(await storage.stat(key), before)
    t.notOk(existsSync(first))
    t.notOk(existsSync(second))
  })

  t.test('lets one of many that put at once win, whole', async t => {
    const storage = await makeStorage(t)
    const contents = Array.from({ length: 8 }, (_, n) => `${n}`.repeat(100_000))
    await Promise.all(contents.map(text => storage.put(key, fileWith(t, text), { ifAbsent: true })))
    t.ok(contents.includes(`${await readAll(storage)}`))
  })

  t.test('a reader that has begun gets the old object to its end', async t => {
    const storage = await makeStorage(t)
    const old = randomBytes(4 * 1024 * 1024)
    await storage.put(key, fileWith(t, old))
    const stream = await storage.read(key)
    await storage.put(key, fileWith(t, 'new'))
    t.ok(Buffer.concat(await stream.toArray()).equals(old))
  })

  t.test('removes an object and leaves its neighbours', async t => {
    const storage = await makeStorage(t)
    await storage.put(key, fileWith(t, 'model'))
    await storage.put('jobs/job-1/log.txt', fileWith(t, 'log'))
    await storage.remove(key)
    t.equal(await storage.stat(key), undefined)
    t.match(await storage.stat('jobs/job-1/log.txt'), { sizeBytes: 3 })
  })

  t.test('removes all below a prefix, and nothing whose name only begins alike', async t => {
    const storage = await makeStorage(t)
    for (const one of [key, 'jobs/job-1/log.txt', 'jobs/job-10/log.txt'])
      await storage.put(one, fileWith(t, 'bytes'))
    await storage.remove('jobs/job-1/')
    t.equal(await storage.stat(key), undefined)
    t.equal(await storage.stat('jobs/job-1/log.txt'), undefined)
    t.match(await storage.stat('jobs/job-10/log.txt'), { sizeBytes: 5 })
  })

  t.test(
    'removing what is not there is fine, and a name without its slash is no prefix',
    async t => {
      const storage = await makeStorage(t)
      await storage.put(key, fileWith(t, 'model'))
      await storage.remove('jobs/job-2/')
      await storage.remove('jobs/job-2/log.txt')
      await storage.remove('jobs/job-1')
      t.ok(await storage.stat(key))
    }
  )

  t.test('lists all below a prefix, with size and time of each, and nothing else', async t => {
    const storage = await makeStorage(t)
    t.same(await listed(storage, 'projects/'), [])
    for (const one of ['projects/b.tar.gz', 'projects/a.tar.gz', 'projects-of/c', key])
      await storage.put(one, fileWith(t, 'bytes'))
    t.same(await listed(storage, 'projects/'), ['projects/a.tar.gz', 'projects/b.tar.gz'])
    t.same(await listed(storage, 'jobs/'), [key])
    for await (const { key: _, ...facts } of storage.list('jobs/'))
      t.match(await storage.stat(key), facts)
    for await (const { sizeBytes } of storage.list('projects/')) t.equal(sizeBytes, 5)
  })

  for (const bad of [
    '',
    '/',
    '/etc/passwd',
    '..',
    '../x',
    'a/../../x',
    'a//b',
    'a/.',
    '.hidden',
    'a\\b',
    'a\0b',
    'é'
  ])
    t.test(`refuses the key ${JSON.stringify(bad)} in every method`, async t => {
      const storage = await makeStorage(t)
      const file = fileWith(t, 'bytes')
      const refused = { message: /is no key: it must be names/ }
      await t.rejects(storage.put(bad, file), refused)
      await t.rejects(storage.stat(bad), refused)
      await t.rejects(storage.read(bad), refused)
      await t.rejects(storage.remove(bad), refused)
      await t.rejects(storage.remove(`${bad}/`), refused)
      await t.rejects(listed(storage, `${bad}/`), refused)
      t.equal(readFileSync(file, 'utf8'), 'bytes')
    })

  t.test('names every object by a URI that ends in its key, there or not', async t => {
    const storage = await makeStorage(t)
    const uri = storage.uri(key)
    t.match(new URL(uri).protocol, /^(file|s3):$/)
    t.ok(uri.endsWith(`/${key}`))
    t.equal(storage.uri('jobs'), uri.slice(0, -'/job-1/output/model.tar.gz'.length))
    t.throws(() => storage.uri('../x'), { message: /is no key/ })
  })

  t.test('a temporary URL, where there is one, gives the bytes to anybody', async t => {
    const storage = await makeStorage(t)
    await storage.put(key, fileWith(t, 'model'))
    const url = await storage.temporaryUrl(key, { seconds: 60, fileName: 'model.tar.gz' })
    if (storage.name === 'filesystem') return t.equal(url, undefined)
    const response = await fetch(url ?? '')
    t.equal(response.status, 200)
    t.equal(await response.text(), 'model')
    t.equal(response.headers.get('content-disposition'), 'attachment; filename="model.tar.gz"')
  })

  t.test('can be used', async t => {
    const storage = await makeStorage(t)
    await t.resolves(storage.check())
  })
}

const readAll = async (storage: Storage, range?: { start?: number; end?: number }) =>
  Buffer.concat(await (await storage.read(key, range)).toArray())

async function listed(storage: Storage, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of storage.list(prefix)) keys.push(key)
  return keys.sort()
}

let made = 0

/** A file as a caller hands it over: on the file system of the test's folder. */
function fileWith(t: Test, content: string | Buffer): string {
  const file = join(t.testdirName, `put-${made++}`)
  writeFileSync(file, content)
  return file
}

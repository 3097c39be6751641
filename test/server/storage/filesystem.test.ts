import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import { testFolder } from '../../helpers/folder.ts'
import { storageSuite } from '../../helpers/storage-suite.ts'
import { noStrace, strace } from '../../helpers/strace.ts'

const putObject = join(import.meta.dirname, '../../fixtures/put-object.ts')
const key = 'jobs/job-1/log.txt'

/** Linux's memory file system is another one than that of the tests. */
const otherDevice = statSync('/dev/shm', { throwIfNoEntry: false })?.dev
const noOtherFileSystem =
  (otherDevice === undefined || otherDevice === statSync(import.meta.dirname).dev) &&
  'there is no second file system here, such as /dev/shm on Linux'

storageSuite(t, async t => createFilesystem(join(t.testdir({ root: {} }), 'root')))

t.test('reads in pieces of a mebibyte', async t => {
  const folder = t.testdir({ file: Buffer.alloc(3 * 1024 * 1024), root: {} })
  const storage = createFilesystem(join(folder, 'root'))
  await storage.put(key, join(folder, 'file'))
  const pieces = await (await storage.read(key)).map(({ length }: Buffer) => length).toArray()
  t.strictSame(pieces, [1024 * 1024, 1024 * 1024, 1024 * 1024])
})

t.test('two objects of the same bytes and size have different etags', async t => {
  const folder = t.testdir({ one: 'bytes', two: 'bytes', root: {} })
  const storage = createFilesystem(join(folder, 'root'))
  await storage.put('one', join(folder, 'one'))
  await storage.put('two', join(folder, 'two'))
  t.not((await storage.stat('one'))?.etag, (await storage.stat('two'))?.etag)
})

t.test('a range whose end lies before its start is refused', async t => {
  const folder = t.testdir({ file: 'bytes', root: {} })
  const storage = createFilesystem(join(folder, 'root'))
  await storage.put(key, join(folder, 'file'))
  await t.rejects(storage.read(key, { start: 3, end: 2 }), {
    name: 'RangeError',
    message: 'The range ends at 2, before its start at 3.'
  })
})

t.test('a file that is not there is not put, and leaves nothing behind', async t => {
  const folder = t.testdir({ root: {} })
  const storage = createFilesystem(join(folder, 'root'))
  await t.rejects(storage.put(key, join(folder, 'missing')), {
    code: 'STORAGE_UNAVAILABLE',
    message: /\(ENOENT\)/
  })
  t.strictSame(readdirSync(join(folder, 'root')), [])
})

t.test('a relative root is one below the working directory', async t => {
  const folder = t.testdir({ file: 'bytes', root: {} })
  const storage = createFilesystem(join(folder, 'root').replace(`${process.cwd()}/`, './'))
  await storage.put(key, join(folder, 'file'))
  t.equal(readFileSync(join(folder, 'root', key), 'utf8'), 'bytes')
})

t.test('checking leaves nothing behind, and says which folder cannot be written', async t => {
  const folder = t.testdir({ root: {}, file: '' })
  await createFilesystem(join(folder, 'root')).check()
  t.strictSame(readdirSync(join(folder, 'root')), [])
  await t.rejects(createFilesystem(join(folder, 'gone')).check(), {
    message: /^Nothing can be written to .*\/gone: ENOENT/
  })
})

t.test(
  'takes a file over from another file system, whole',
  { skip: noOtherFileSystem },
  async t => {
    for (const ifAbsent of [false, true]) {
      const root = testFolder(t)
      const storage = createFilesystem(root)
      await storage.put(key, elsewhere(t, 'first'), { ifAbsent })
      const second = elsewhere(t, 'second')
      await storage.put(key, second, { ifAbsent })
      t.equal(readFileSync(join(root, key), 'utf8'), ifAbsent ? 'first' : 'second')
      t.notOk(existsSync(second))
      t.strictSame(readdirSync(join(root, 'jobs/job-1')), ['log.txt'])
    }
  }
)

for (const [mode, move] of [
  ['', 'rename('],
  ['ifAbsent', 'link(']
] as const)
  t.test(
    `syncs the file, then calls ${move}), then syncs every folder up to the root`,
    { skip: noStrace },
    async t => {
      const folder = t.testdir({ file: 'bytes', root: {} })
      const root = join(folder, 'root')
      const { calls, output } = await strace([putObject, root, key, join(folder, 'file'), mode], {
        trace: ['fdatasync', 'fsync', 'rename', 'link']
      })
      t.equal(output, 'put')
      t.match(calls, [
        /^fdatasync\(.*\/file>/,
        new RegExp(`^${move.replace('(', '\\(')}.*log\\.txt"`),
        /^fsync\(.*\/root\/jobs\/job-1>/,
        /^fsync\(.*\/root\/jobs>/,
        /^fsync\(.*\/root>/
      ])
      t.equal(calls.length, 5)
    }
  )

t.test(
  'from another file system the copy is synced before it gets its name',
  { skip: noStrace || noOtherFileSystem },
  async t => {
    const root = testFolder(t)
    const { calls } = await strace([putObject, root, key, elsewhere(t, 'bytes')], {
      trace: ['fdatasync', 'rename']
    })
    t.match(calls.slice(1), [
      /^rename\(.*EXDEV/,
      /^fdatasync\(.*\/job-1\/\./,
      /^rename\(.*log\.txt"\) *= 0/
    ])
    t.equal(calls.length, 4)
  }
)

t.test(
  'a kill before the name is given leaves no object, and putting again works',
  { skip: noStrace || noOtherFileSystem },
  async t => {
    for (const [call, nth] of [
      ['fdatasync', 1],
      ['fdatasync', 2],
      ['rename', 2]
    ] as const) {
      const root = join(testFolder(t), `${call}-${nth}`)
      const file = elsewhere(t, 'bytes')
      const { killed, output } = await strace([putObject, root, key, file], { kill: { call, nth } })
      t.ok(killed)
      t.equal(output, '')
      const storage = createFilesystem(root)
      const object = await storage.stat(key)
      t.ok(object === undefined || object.sizeBytes === 5)
      if (call === 'fdatasync') t.equal(object, undefined)
      if (!existsSync(file)) continue
      await storage.put(key, file)
      t.equal(readFileSync(join(root, key), 'utf8'), 'bytes')
    }
  }
)

function elsewhere(t: Test, content: string): string {
  const folder = mkdtempSync('/dev/shm/mlflow-jobs-test-')
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'file')
  writeFileSync(file, content)
  return file
}

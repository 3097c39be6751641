import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { writeSpool } from '../../../src/server/projects/write-spool.ts'
import { testFolder } from '../../helpers/folder.ts'

const place = (folder: string) => ({
  folder,
  room: { write: (_bytes: number, act: () => Promise<void>) => act() }
})

async function* chunks(count: number) {
  for (let n = 0; n < count; n++) yield Buffer.alloc(2 ** 20, n)
}

t.test('a large file that is kept is on its way to the disk before it is whole', async t => {
  const folder = testFolder(t)
  const handles = await prototypeOf(folder)
  const syncs = t.capture(handles, 'datasync', handles.datasync)

  const { sizeBytes } = await writeSpool(chunks(70), place(folder), { kept: true })
  t.equal(sizeBytes, 70 * 2 ** 20)
  t.equal(syncs().length, 2)

  await writeSpool(chunks(70), place(folder))
  t.equal(syncs().length, 0, 'one that is only looked at never is')
})

t.test('what the disk could not take is told, and the file is gone', async t => {
  const folder = testFolder(t)
  const broken = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
  t.intercept(await prototypeOf(folder), 'datasync', { value: () => Promise.reject(broken) })

  await t.rejects(writeSpool(chunks(33), place(folder), { kept: true }), { code: 'EIO' })

  t.same(await readdir(folder), ['probe'])
})

t.test('a disk that takes less than it is given gets the rest', async t => {
  const folder = testFolder(t)
  const handles = await prototypeOf(folder)
  const { writev } = handles
  const writes = t.capture(handles, 'writev', function (this: FileHandle, [first]: Buffer[]) {
    return writev.call(this, [first?.subarray(0, Math.ceil(first.length / 2))])
  })

  const { path } = await writeSpool(chunks(3), place(folder))

  const expected = Buffer.concat(await Array.fromAsync(chunks(3)))
  t.ok((await readFile(path)).equals(expected))
  t.ok(writes().length > 3)
})

/** Of all file handles: there is no other way to it. */
async function prototypeOf(folder: string) {
  await using handle = await open(join(folder, 'probe'), 'w')
  return Object.getPrototypeOf(handle)
}

import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import t from 'tap'
import { createDisk } from '../../../src/server/disk.ts'
import { defaultLimits, inspectArchive } from '../../../src/server/projects/index.ts'
import { testFolder } from '../../helpers/folder.ts'
import { pack, simpleProject } from '../../helpers/project.ts'

t.test('a small archive does not wait behind large ones', async t => {
  const folder = testFolder(t)
  const options = { folder, room: createDisk(folder, 0).room, limits: defaultLimits }
  // Of these no byte comes until they are written to.
  const slow = ['one', 'two'].map(name => join(folder, name))
  await execa('mkfifo', slow)
  const large = slow.map(path => inspectArchive({ path, sizeBytes: 2 ** 30 }, options))
  const ended = Promise.allSettled(large)
  const path = join(folder, 'small')
  const bytes = Buffer.from(await (await pack(simpleProject)).arrayBuffer())
  await writeFile(path, bytes)

  const project = await inspectArchive({ path, sizeBytes: bytes.length }, options)

  t.match(project.digest, /^sha256:/)
  for (const path of slow) await (await open(path, 'w')).close()
  await ended
})

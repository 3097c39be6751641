import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import t from 'tap'
import { openStored } from '../../../src/server/jobs/open-project.ts'
import { defaultLimits } from '../../../src/server/projects/index.ts'
import { createFilesystem } from '../../../src/server/storage/filesystem.ts'
import { testFolder } from '../../helpers/folder.ts'
import { pack, simpleProject } from '../../helpers/project.ts'

t.test('a stored project that breaks off while it is read is the storage’s fault', async t => {
  const bytes = await (await pack(simpleProject)).bytes()
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const folder = testFolder(t)
  const read = async (): Promise<Readable> => {
    const { port } = server.address() as AddressInfo
    const [response] = await once(get({ port, host: '127.0.0.1' }), 'response')
    return response as IncomingMessage
  }

  const opened = openStored(`sha256:${'a'.repeat(64)}`, undefined, {
    tenant: 'default',
    storage: { ...createFilesystem(folder), read },
    folder,
    room: { write: (_bytes, act) => act() },
    limits: defaultLimits
  })

  await t.rejects(opened, { code: 'STORAGE_UNAVAILABLE', statusCode: 503, message: /aborted/ })
})

/** A model of 1 GiB from the disk, against nginx and plain Node; and one small file of it, against the whole archive. */
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { modelKey } from '../../src/server/storage/index.ts'
import { freePort } from '../../test/helpers/free-port.ts'
import { alternate, timed } from '../alternate.ts'
import { download } from '../curl.ts'
import type { Part } from '../part.ts'
import { startNginx } from '../peers/nginx.ts'
import { type Peer, startPeer } from '../peers/process.ts'
import { startService } from '../service-process.ts'
import { submit, until, writeProject } from '../submit.ts'

export const model: Part = {
  about: 'download of a model of 1 GiB against nginx, and of one small file of it',
  async run(options) {
    const sizeMiB = options.quick ? 64 : 1024
    const dataDir = join(options.folder, 'data')
    const nginx = await startNginx(join(options.folder, 'nginx'))
    const service = await startService(dataDir, options)
    let node: Peer | undefined
    try {
      const { archive } = await writeProject(options.folder, makesModel(sizeMiB))
      options.say(`training a model of ${sizeMiB} MiB`)
      const { id } = await submit(service.url, archive)
      await until(service.url, id, job => job.status === 'succeeded')
      const whole = `${service.url}/jobs/${id}/model`
      const file = join(nginx.files, 'model.tar.gz')
      await copyFile(join(dataDir, modelKey(id)), file)
      node = await startPlainDownload(file)
      const { url } = node
      const values = await alternate(options, {
        ours: () => timed(() => download(whole)),
        nginx: () => timed(() => download(`${nginx.url}/model.tar.gz`)),
        node: () => timed(() => download(url)),
        // Without curl's own start, which takes longer than the answer.
        oneFile: () => timed(async () => (await fetch(`${whole}/files/MLmodel`)).arrayBuffer())
      })
      const rates = (seconds: number[]) => seconds.map(each => sizeMiB / each)
      return [
        {
          what: `download of a model of ${sizeMiB} MiB`,
          unit: 'MiB/s',
          ours: rates(values.ours),
          against: { what: 'nginx sendfile', values: rates(values.nginx) },
          target: { atLeast: 0.5 }
        },
        {
          what: 'the same',
          unit: 'MiB/s',
          ours: rates(values.ours),
          against: { what: 'createReadStream and node:http', values: rates(values.node) }
        },
        {
          what: 'one small file of it',
          unit: 'files/s',
          ours: values.oneFile.map(seconds => 1 / seconds),
          against: { what: 'the whole archive', values: values.ours.map(seconds => 1 / seconds) },
          target: { atLeast: 20 }
        }
      ]
    } finally {
      await service.end()
      await nginx.end()
      await node?.end()
    }
  }
}

async function startPlainDownload(file: string): Promise<Peer> {
  const port = await freePort()
  const script = join(import.meta.dirname, '../peers/plain-download.ts')
  return startPeer({
    command: process.execPath,
    words: [script, file, `${port}`],
    url: `http://127.0.0.1:${port}`,
    health: '/up'
  })
}

const makesModel = (sizeMiB: number) => ({
  MLproject: 'name: large\nentry_points:\n  main:\n    command: python train.py\n',
  'train.py': `import os
folder = os.environ["SM_MODEL_DIR"]
with open(os.path.join(folder, "MLmodel"), "w") as file:
    file.write("flavors: {}\\n")
with open(os.path.join(folder, "weights.bin"), "wb") as file:
    for _ in range(${sizeMiB}):
        file.write(os.urandom(2**20))
`
})

/**
 * The upload of a project: received, bounded, inspected entry by entry, hashed, written anew and durably stored, always of
 * one that was not there. Against nginx, which takes the same bytes and neither looks at them nor syncs them, against dd, which
 * syncs them, and against gzip -t, which only checks a file.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { alternate, timed } from '../alternate.ts'
import { type Data, packTar, packTarGz, renew, writeLargeProject } from '../archives.ts'
import { sendFile } from '../curl.ts'
import type { Part } from '../part.ts'
import { startNginx } from '../peers/nginx.ts'
import { type ServiceProcess, startService } from '../service-process.ts'

export const upload: Part = {
  about:
    'upload of 1 GiB: a tar against nginx, a tar.gz against gzip -t, and the event loop meanwhile',
  async run(options) {
    const sizeMiB = options.quick ? 64 : 1024
    const pack = async (kind: Data, ...packers: [typeof packTar, file: string][]) => {
      const project = await writeLargeProject(options.folder, sizeMiB, kind)
      for (const [packer, file] of packers) await packer(project, file)
      await rm(project, { recursive: true })
    }
    const tar = join(options.folder, 'project.tar')
    const tarGz = join(options.folder, 'project.tar.gz')
    const text = join(options.folder, 'text.tar.gz')
    await pack('random', [packTar, tar], [packTarGz, tarGz])
    await pack('text', [packTarGz, text])
    const nginx = await startNginx(join(options.folder, 'nginx'))
    const data = join(options.folder, 'data')
    const service = await startService(
      data,
      { ...options, python: '/nowhere/python' },
      {},
      '/healthz'
    )
    const delays: number[] = []
    const send = async (file: string, type: string) => {
      await renew(file)
      await settle()
      await loopDelay(service)
      const seconds = await timed(() => sendFile('POST', `${service.url}/projects`, file, { type }))
      delays.push((await loopDelay(service)) * 1000)
      // The system's cache of many of them would slow down whoever comes later.
      await rm(join(data, 'projects'), { recursive: true })
      return seconds
    }
    const test = (file: string) => timed(() => execa('gzip', ['-t', file]))
    try {
      const values = await alternate(options, {
        tar: () => send(tar, 'application/x-tar'),
        nginx: async () => {
          await settle()
          const seconds = await timed(() => sendFile('PUT', `${nginx.url}/project.tar`, tar))
          await rm(join(nginx.files, 'project.tar'))
          return seconds
        },
        dd: async () => {
          await settle()
          const copy = join(options.folder, 'copy')
          const seconds = await timed(() => execa('dd', [`if=${tar}`, `of=${copy}`, ...durably]))
          await rm(copy)
          return seconds
        },
        tarGz: () => send(tarGz, 'application/gzip'),
        gzip: () => test(tarGz),
        text: () => send(text, 'application/gzip'),
        gzipText: () => test(text)
      })
      const unit = 'MiB/s'
      const rates = (seconds: number[]) => seconds.map(each => sizeMiB / each)
      return [
        {
          what: `a project of ${sizeMiB} MiB as tar, checked, hashed and durably stored`,
          unit,
          ours: rates(values.tar),
          against: { what: 'nginx PUT, neither hashed nor synced', values: rates(values.nginx) },
          target: { atLeast: 0.6 }
        },
        {
          what: 'the same',
          unit,
          ours: rates(values.tar),
          against: { what: 'dd conv=fdatasync, a copy on that disk', values: rates(values.dd) }
        },
        {
          what: `the same as tar.gz (random data, which does not compress)`,
          unit,
          ours: rates(values.tarGz),
          against: { what: 'gzip -t', values: rates(values.gzip) },
          target: { atLeast: 1 }
        },
        {
          what: `a tar.gz of ${sizeMiB} MiB of text, which is compressed again`,
          unit,
          ours: rates(values.text),
          against: { what: 'gzip -t', values: rates(values.gzipText) },
          target: { atLeast: 1 }
        },
        {
          what: 'event loop, p99 of its delay meanwhile',
          unit: 'ms',
          ours: delays,
          target: { atMost: 10 }
        }
      ]
    } finally {
      await service.end()
      await nginx.end()
    }
  }
}

const durably = ['bs=1M', 'conv=fdatasync', 'status=none']

/** What others have written is on the disk: else it is written while the next one is timed. */
const settle = () => execa('sync')

/** Seconds; since the last look. The histogram counts from one sample to the next, of which there is one every 10 ms. */
async function loopDelay({ url }: ServiceProcess): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^nodejs_eventloop_lag_p99_seconds ([\d.e-]+)/m.exec(text)?.[1]) - 0.01
}

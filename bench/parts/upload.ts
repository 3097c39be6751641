/** An upload that is durable, hashed, inspected and written anew, against servers and tools that do a part of it. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { alternate, timed } from '../alternate.ts'
import { packTar, packTarGz, writeLargeProject } from '../archives.ts'
import { sendFile } from '../curl.ts'
import type { Part } from '../part.ts'
import { startNginx } from '../peers/nginx.ts'
import { type ServiceProcess, startService } from '../service-process.ts'

export const upload: Part = {
  about:
    'upload of 1 GiB: a tar against nginx, a tar.gz against gzip -t, and the event loop meanwhile',
  async run(options) {
    const sizeMiB = options.quick ? 64 : 1024
    const project = await writeLargeProject(options.folder, sizeMiB)
    const tar = join(options.folder, 'project.tar')
    const tarGz = join(options.folder, 'project.tar.gz')
    await packTar(project, tar)
    await packTarGz(project, tarGz)
    await rm(project, { recursive: true })
    const nginx = await startNginx(join(options.folder, 'nginx'))
    const service = await startService(
      join(options.folder, 'data'),
      { ...options, python: '/nowhere/python' },
      {},
      '/healthz'
    )
    const delays: number[] = []
    const send = (file: string, type: string) =>
      timed(async () => {
        await sendFile('POST', `${service.url}/projects`, file, { type })
        delays.push((await loopDelay(service)) * 1000)
      })
    try {
      const values = await alternate(options, {
        tar: () => send(tar, 'application/x-tar'),
        nginx: () => timed(() => sendFile('PUT', `${nginx.url}/project.tar`, tar)),
        tarGz: () => send(tarGz, 'application/gzip'),
        gzip: () => timed(() => execa('gzip', ['-t', tarGz]))
      })
      const unit = 'MiB/s'
      const rates = (seconds: number[]) => seconds.map(each => sizeMiB / each)
      return [
        {
          what: `upload of a tar of ${sizeMiB} MiB, checked and stored`,
          unit,
          ours: rates(values.tar),
          against: { what: 'nginx PUT, neither hashed nor synced', values: rates(values.nginx) },
          target: { atLeast: 0.6 }
        },
        {
          what: `upload of a tar.gz of ${sizeMiB} MiB, checked and stored`,
          unit,
          ours: rates(values.tarGz),
          against: { what: 'gzip -t', values: rates(values.gzip) },
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

/** Seconds; since the last look. */
async function loopDelay({ url }: ServiceProcess): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^nodejs_eventloop_lag_p99_seconds ([\d.e-]+)/m.exec(text)?.[1])
}

/** nginx as it is known to be fast: one worker that takes files by PUT and sends them by sendfile. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/helpers/free-port.ts'
import { type Peer, startPeer } from './process.ts'

export interface Nginx extends Peer {
  /** What it serves. */
  files: string
}

export async function startNginx(folder: string): Promise<Nginx> {
  const port = await freePort()
  const files = join(folder, 'files')
  await mkdir(files, { recursive: true })
  const configuration = join(folder, 'nginx.conf')
  await writeFile(configuration, configurationText(folder, files, port))
  const peer = await startPeer({
    command: 'nginx',
    words: ['-p', folder, '-c', configuration],
    url: `http://127.0.0.1:${port}`
  })
  return { ...peer, files }
}

/** The user: a worker of root's would be nobody, who may not write here. */
const configurationText = (folder: string, files: string, port: number) => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  sendfile on;
  client_max_body_size 0;
  client_body_temp_path ${folder}/bodies;
  server {
    listen 127.0.0.1:${port};
    root ${files};
    dav_methods PUT;
  }
}
`

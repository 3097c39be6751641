/** A service that runs its jobs on this machine. */
import { writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { SetScene } from './play.ts'

export const local: SetScene = async (canaries, at) => {
  let kept = 0
  return {
    environment: {
      PIP_INDEX_URL: `http://me:${canaries.plant('PIP_INDEX_URL')}@127.0.0.1:9/simple`,
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
    }
  }
}

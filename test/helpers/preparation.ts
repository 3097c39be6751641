/** What preparePython is asked for in tests: a small environment in a folder of the test's own. */
import { join } from 'node:path'
import type { Test } from 'tap'

/** What builds here: small, so that a whole build takes seconds. */
const pins = 'uv==0.13.9\nidna==3.11\n'

const forBuilding = /^(PATH|HOME|(PIP|UV)_.*|.*_(proxy|PROXY)|SSL_CERT_(FILE|DIR))$/

/** What this machine needs in order to build, such as the address of its package index. */
export const buildVariables = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] => forBuilding.test(entry[0]) && entry[1] !== undefined
  )
)

export function preparation(t: Test, environment: Record<string, string> = {}) {
  const place = t.testdir({ 'requirements.txt': pins, bin: {} })
  const folder = join(place, 'python')
  const said: string[] = []
  const options = {
    folder,
    requirements: join(place, 'requirements.txt'),
    environment: { ...buildVariables, ...environment },
    onProgress: (text: string) => void said.push(text)
  }
  return { bin: join(place, 'bin'), folder, said, options }
}

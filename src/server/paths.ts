/** Where paths of this machine lead, each looked up once: a batch of a thousand jobs names the same few. */
import { realpath, stat } from 'node:fs/promises'

export interface Paths {
  /** Without links; undefined where there is nothing. */
  real(path: string): Promise<string | undefined>
  kind(path: string): Promise<'file' | 'folder' | 'other'>
}

/** For one request, or one look: what it has seen, it does not look at again. */
export function createPaths(): Paths {
  return {
    real: once(path => realpath(path).catch(() => undefined)),
    kind: once(async path => {
      const found = await stat(path).catch(() => undefined)
      return found?.isFile() ? 'file' : found?.isDirectory() ? 'folder' : 'other'
    })
  }
}

function once<Answer>(ask: (path: string) => Promise<Answer>): (path: string) => Promise<Answer> {
  const answers = new Map<string, Promise<Answer>>()
  return path => {
    const known = answers.get(path)
    if (known) return known
    const answer = ask(path)
    answers.set(path, answer)
    return answer
  }
}

import { posix } from 'node:path'
import { decodeText } from './kept-texts.ts'

const maxRefBytes = 1024
const maxPackedRefsBytes = 2 ** 20
const maxFiles = 2000
const maxPackedRefsFiles = 8

export interface GitHeads {
  /** Reads a file of a .git folder if it tells where HEAD is. */
  take(path: string, sizeBytes: number, body: AsyncIterable<Buffer>): Promise<void>
  /** The commit of HEAD in the repository nearest to a folder, seen from it upwards; null where there is none. */
  commit(folder: string): string | null
}

/** What the .git folders of an archive say of HEAD (https://git-scm.com/docs/gitrepository-layout), within bounds. */
export function createGitHeads(): GitHeads {
  const texts = new Map<string, string>()
  let packedRefsFiles = 0

  function isWanted(path: string, sizeBytes: number): boolean {
    if (path.endsWith('.git/packed-refs')) {
      packedRefsFiles += 1
      return sizeBytes <= maxPackedRefsBytes && packedRefsFiles <= maxPackedRefsFiles
    }
    return /\.git\/(HEAD$|refs\/heads\/)/.test(path) && sizeBytes <= maxRefBytes
  }

  return {
    async take(path, sizeBytes, body) {
      if (texts.size >= maxFiles || !isWanted(path, sizeBytes)) {
        return
      }
      const chunks: Buffer[] = []
      for await (const chunk of body) {
        chunks.push(chunk)
      }
      texts.set(path, decodeText(Buffer.concat(chunks)) ?? '')
    },
    commit(folder) {
      for (let at = folder; ; at = posix.dirname(at)) {
        const git = at === '' || at === '.' ? '.git' : `${at}/.git`
        if (texts.has(`${git}/HEAD`)) {
          return readHead(git, texts)
        }
        if (git === '.git') {
          return null
        }
      }
    }
  }
}

function readHead(git: string, texts: ReadonlyMap<string, string>): string | null {
  const head = texts.get(`${git}/HEAD`)?.trim() ?? ''
  const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1]
  if (ref === undefined) {
    return commitOf(head)
  }
  const packed = texts
    .get(`${git}/packed-refs`)
    ?.split('\n')
    .find(line => line.endsWith(` ${ref}`))
  return commitOf(texts.get(`${git}/${ref}`)?.trim() ?? packed?.split(' ', 1)[0] ?? '')
}

/** SHA-1 or SHA-256 in hex. */
const commitOf = (text: string): string | null =>
  /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text) ? text : null

/** What a process wrote, made or changed outside of a folder, out of what strace saw. */
import { isAbsolute, join } from 'node:path'

/** What strace is to look at. */
export const writingCalls = [
  'open,openat,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat',
  'unlink,unlinkat,rmdir,truncate,chmod,fchmodat,chown,lchown,fchownat',
  'write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range'
].join()

export interface OutsideWrites {
  /** Each call that made, changed or opened for writing something outside. */
  calls: string[]
  bytes: number
}

/** `log` is strace's of a process that ran in `cwd`; with -f, -y and these calls. */
export function outsideWrites(log: string, folder: string, cwd: string): OutsideWrites {
  const outside = (path: string) => {
    const whole = isAbsolute(path) ? path : join(cwd, path)
    return whole !== folder && !whole.startsWith(`${folder}/`) && !/^\/dev\//.test(whole)
  }
  const found: OutsideWrites = { calls: [], bytes: 0 }
  for (const { name, words, result } of wholeCalls(log)) {
    if (result < 0) continue
    if (/write|sendfile|copy_file/.test(name)) {
      // The file that is written is the first one, but for copy_file_range, where it is the second.
      const files = [...words.matchAll(/\d+<([^>]*)>/g)].map(([, path = '']) => path)
      const file = files[name === 'copy_file_range' ? 1 : 0] ?? ''
      if (!isAbsolute(file) || !outside(file)) continue
      found.bytes += result
    } else {
      if (/^open/.test(name) && !/O_(WRONLY|RDWR|CREAT|TRUNC)/.test(words)) continue
      const paths = [...words.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = '']) => path)
      if (!paths.some(outside)) continue
    }
    found.calls.push(`${name}(${words})`)
  }
  return found
}

interface Call {
  name: string
  words: string
  /** Negative: it failed, and changed nothing. */
  result: number
}

/** A call that another thread's call interrupts stands in two lines. */
function* wholeCalls(log: string): Generator<Call> {
  const begun = new Map<string, string>()
  for (const line of log.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    if (text.endsWith(' <unfinished ...>')) {
      begun.set(thread, text.slice(0, -' <unfinished ...>'.length))
      continue
    }
    const whole = text.replace(/^<\.\.\. \w+ resumed>/, () => begun.get(thread) ?? '')
    const [, name, words, result] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(whole) ?? []
    if (name && words !== undefined) yield { name, words, result: Number(result) }
  }
}

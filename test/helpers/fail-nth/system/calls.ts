/** System calls as strace writes them, and in which ways each can fail. */

export interface SystemCall {
  thread: number
  name: string
  /** How many such calls of its thread came before it, and this one. */
  nth: number
  /** Below the data folder, without what is random in it: "tmp/*"; undefined where it touches nothing there. */
  place: string | undefined
  creates: boolean
  injected: boolean
}

/** `log` is that of all threads (with their numbers), or of this one thread. */
export function readCalls(log: string, dataDir: string, thread?: number): SystemCall[] {
  const counts = new Map<string, number>()
  return log.split('\n').flatMap(line => {
    const [, number, name = '', rest = ''] = /^(?:(\d+) +)?(\w+)\((.*)$/.exec(line) ?? []
    if (!name) return []
    const key = `${number} ${name}`
    const nth = (counts.get(key) ?? 0) + 1
    counts.set(key, nth)
    const place = placeOf(rest, dataDir)
    const creates = /O_CREAT/.test(rest)
    const injected = /\((INJECTED|DELAYED)\)/.test(rest)
    return [{ thread: Number(number ?? thread), name, nth, place, creates, injected }]
  })
}

/** The last path is where something is moved to. */
function placeOf(words: string, dataDir: string): string | undefined {
  const paths = [...words.matchAll(/["<](\/[^">]*)[">]/g)].map(([, path = '']) => path)
  const path = paths.findLast(path => path === dataDir || path.startsWith(`${dataDir}/`))
  return path
    ?.slice(dataDir.length + 1)
    .replace(/job-[0-9a-z]{26}/, '<job>')
    .replace(/[0-9a-f]{64}/, '<digest>')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '*')
    .replace(/report-\w{6}/, 'report-*')
}

/** Which calls, and what the kernel may say to each. */
const errorsOf: Record<string, readonly string[]> = {
  openat: ['EMFILE', 'EIO'],
  mkdir: ['ENOSPC', 'EIO'],
  link: ['ENOSPC', 'EIO'],
  rename: ['ENOSPC', 'EIO'],
  unlink: ['EIO'],
  rmdir: ['EIO'],
  write: ['ENOSPC', 'EIO'],
  writev: ['ENOSPC', 'EIO'],
  pwrite64: ['ENOSPC', 'EIO'],
  ftruncate: ['EIO'],
  fsync: ['ENOSPC', 'EIO'],
  fdatasync: ['ENOSPC', 'EIO'],
  read: ['EIO'],
  pread64: ['EIO'],
  statx: ['EIO'],
  statfs: ['EIO'],
  getdents64: ['EIO']
}

export const tracedCalls = Object.keys(errorsOf)

/** What can be done to the call: errors of the kernel, a disk that takes its time, a kill of the process instead of it. */
export const waysToFail = ({ name, creates }: SystemCall): string[] => [
  ...(creates ? ['ENOSPC'] : []),
  ...(errorsOf[name] ?? []),
  ...(name.endsWith('sync') ? ['slow'] : []),
  ...(creates || changing.includes(name) ? ['kill'] : [])
]

const changing = [
  'mkdir',
  'link',
  'rename',
  'unlink',
  'write',
  'writev',
  'pwrite64',
  'fsync',
  'fdatasync'
]

/** In strace's words. */
export function howTo(way: string): string {
  if (way === 'kill') return 'signal=KILL'
  return way === 'slow' ? `delay_enter=${slowMicroseconds}` : `error=${way}`
}

const slowMicroseconds = 200_000

/** The kernel does not take a file away, or not say what is to be taken: it stays until the next start of the service. */
export const leavesFile = ({ name, place }: SystemCall) =>
  name === 'unlink' || name === 'rmdir' || (name === 'statx' && place === 'tmp/report-*')

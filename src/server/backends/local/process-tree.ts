/**
 * The processes of a job as Linux shows them in /proc: its first ones and all that come from them, whatever group or session
 * they make. One that was seen once is known for good: it cannot get away by having its parent end.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface JobProcess {
  pid: number
  group: number
  threads: number
  residentBytes: number
}

export interface ProcessTree {
  /** All that are there now; none where there is no /proc. */
  list(): JobProcess[]
}

interface Stat extends JobProcess {
  parent: number
  state: string
  /** Tells a process from a later one of the same id. */
  started: string
}

export function createProcessTree(firstOnes: () => (number | undefined)[]): ProcessTree {
  const pageBytes = pageSize()
  let known = new Map<number, string>()
  return {
    list() {
      const all = readAll(pageBytes)
      const first = firstOnes()
      const children = Map.groupBy(all.values(), ({ parent }) => parent)
      const found = new Map<number, Stat>()
      const roots = [...all.values()].filter(
        ({ pid, started }) => first.includes(pid) || known.get(pid) === started
      )
      for (const process of roots) {
        if (found.has(process.pid)) continue
        found.set(process.pid, process)
        roots.push(...(children.get(process.pid) ?? []))
      }
      known = new Map([...found.values()].map(({ pid, started }) => [pid, started]))
      return [...found.values()].filter(({ state }) => state !== 'Z')
    }
  }
}

/** What the processes hold, what they share counted once; slower than their resident bytes, which count it for each. */
export const proportionalBytes = (processes: JobProcess[]): number =>
  processes.reduce((sum, { pid, residentBytes }) => {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
      return sum + 1024 * (kilobytes(text, 'Pss') + kilobytes(text, 'SwapPss'))
    } catch (error) {
      // What has ended meanwhile holds nothing.
      const isGone = ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
      return isGone ? sum : sum + residentBytes
    }
  }, 0)

/** Whether the process has that id in the innermost namespace of processes that it is in, and that is not this one's. */
export function isInNamespace(pid: number, inner: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1')
    const ids = /^NSpid:\s*(.*)$/m.exec(text)?.[1]?.split(/\s+/).map(Number) ?? []
    return ids.length > 1 && ids.at(-1) === inner
  } catch {
    return false
  }
}

const kilobytes = (text: string, name: string) =>
  Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0)

function readAll(pageBytes: number): Map<number, Stat> {
  const all = new Map<number, Stat>()
  for (const name of foldersOf('/proc')) {
    const stat = /^\d+$/.test(name) && readStat(Number(name), pageBytes)
    if (stat) all.set(stat.pid, stat)
  }
  return all
}

/** The command, in parentheses, may hold anything: what is wanted stands behind it. */
function readStat(pid: number, pageBytes: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const number = (index: number) => Number(fields[index])
    return {
      pid,
      state: fields[0] ?? '',
      parent: number(1),
      group: number(2),
      threads: number(17),
      started: fields[19] ?? '',
      residentBytes: number(21) * pageBytes
    }
  } catch {
    return undefined
  }
}

function foldersOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** What the kernel told this process at its start (AT_PAGESZ): pairs of words. */
function pageSize(): number {
  const atPageSize = 6n
  try {
    const words = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer)
    const index = words.findIndex((word, at) => at % 2 === 0 && word === atPageSize)
    return Number(words[index + 1] ?? 4096n)
  } catch {
    return 4096
  }
}

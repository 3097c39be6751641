/** How a job's process is started so that the service comes first wherever the kernel has to choose. */
import { readFileSync, statfsSync } from 'node:fs'
import type { JobFile } from './job-folder.ts'

export interface Command {
  command: string
  arguments: string[]
}

/**
 * Where memory runs out, the kernel ends jobs before anything else; where the processor is wanted by both, the service has
 * it; no dump of a job's memory fills the disk. What a system has not is left out. Behind a wall the shell stays: a wall falls
 * with its parent, and a runtime whose supervisor was killed is to end in order all the same.
 */
const script = `{ echo 1000 > /proc/self/oom_score_adj; } 2>/dev/null
ulimit -c 0
cores=$1
wall=$2
[ "$3" ] && ulimit -f "$3"
shift 3
if [ "$cores" ] && command -v taskset >/dev/null; then set -- taskset -c "$cores" "$@"; fi
if [ "$wall" ]; then nice -n 5 "$@"; exit $?; fi
exec nice -n 5 "$@"`

export function behindTheService(job: JobFile, folder: string): Command {
  const { cpus } = job.limits ?? {}
  const { wall = [], command } = job
  const isWalled = wall.length > 0 ? 'walled' : ''
  return {
    command: '/bin/sh',
    arguments: [
      '-c',
      script,
      'sh',
      cores(cpus),
      isWalled,
      fileBlocks(folder),
      ...wall,
      command,
      ...job.arguments
    ]
  }
}

/**
 * No file longer than the disk: one with holes in it takes no room, but whoever reads it has no end of it. Not than the room
 * that there is now, which may have grown when a job needs it, or takes the standby. In units of 512 bytes, as a shell counts.
 */
function fileBlocks(folder: string): string {
  const { blocks, bsize } = statfsSync(folder, { bigint: true })
  return String((blocks * bsize) / 512n)
}

/** So many of those that this process may use, beginning anywhere; empty: all. */
function cores(count: number | undefined): string {
  const allowed = count === undefined ? [] : allowedCores()
  if (count === undefined || count >= allowed.length) return ''
  const first = Math.floor(Math.random() * allowed.length)
  return [...allowed, ...allowed].slice(first, first + count).join(',')
}

/** Of a list such as `0-3,8`; none where there is no /proc. */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readStatus())?.[1] ?? ''
  return list.split(',').flatMap(part => {
    const [first = 0, last = first] = part.split('-').map(Number)
    return part === '' ? [] : Array.from({ length: last - first + 1 }, (_, n) => first + n)
  })
}

function readStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8')
  } catch {
    return ''
  }
}

/** strace on a process or on one of its threads, for the time of one operation. */
import { readdir, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { execa } from 'execa'

export interface Attached {
  /** Lets go of it; answers what strace saw. */
  detach(): Promise<string>
}

/** What is to happen to the n-th such call. */
export interface Injection {
  call: string
  nth: number
  /** In strace's words: error=EIO, signal=KILL. */
  how: string
}

/**
 * `all`: with its other threads. strace counts the calls of each thread on its own, so an injection is for one thread.
 * `file` takes what it sees.
 */
export async function attach(
  pid: number,
  { calls, all = false, injection, file }: AttachOptions
): Promise<Attached> {
  const inject = injection
    ? ['-e', `inject=${injection.call}:${injection.how}:when=${injection.nth}`]
    : []
  const words = [...(all ? ['-f'] : []), '-y', '-s', '0', '-e', 'signal=none']
  const strace = execa(
    'strace',
    [...words, '-e', `trace=${calls.join()}`, ...inject, '-o', file, '-p', `${pid}`],
    { reject: false, stdout: 'ignore', stderr: 'pipe' }
  )
  await saysAttached(strace.stderr)
  return {
    async detach() {
      strace.kill('SIGINT')
      await strace
      return readFile(file, 'utf8')
    }
  }
}

interface AttachOptions {
  calls: string[]
  all?: boolean
  injection?: Injection
  file: string
}

async function saysAttached(stderr: Readable): Promise<void> {
  const told = Promise.withResolvers<void>()
  const lines: string[] = []
  createInterface({ input: stderr })
    .on('line', line => {
      lines.push(line)
      if (/ attached( with \d+ threads)?$/.test(line)) told.resolve()
    })
    .on('close', () => told.reject(new Error(`strace cannot attach: ${lines.join(' ')}`)))
  await told.promise
}

/** The thread that runs JavaScript and SQLite, and the one that makes the calls of node:fs. */
export async function threadsOf(pid: number): Promise<{ main: number; pool: number }> {
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const name = await readFile(`/proc/${pid}/task/${thread}/comm`, 'utf8')
    if (name.trim() === 'libuv-worker') return { main: pid, pool: Number(thread) }
  }
  throw new Error(`Process ${pid} has no thread that makes the calls of node:fs.`)
}

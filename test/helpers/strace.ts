/** Runs a script under strace: what reaches the disk, and what a kill at the n-th system call leaves. */
import { spawnSync } from 'node:child_process'
import { execa } from 'execa'

/** Why strace cannot be used here (not installed, as on macOS, or not allowed to trace); false where it can. */
export const noStrace: string | false =
  spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0 &&
  'strace is not installed here, or may not trace'

interface Traced {
  /** The lines of strace, without the thread's number, in their order. */
  calls: string[]
  output: string
  killed: boolean
}

/** `kill`: at the n-th such call of a thread the process gets SIGKILL. */
export async function strace(
  script: string[],
  options: { trace?: string[]; kill?: { call: string; nth: number } }
): Promise<Traced> {
  const { trace = [], kill } = options
  const names = kill ? [...trace, kill.call] : trace
  const inject = kill ? ['-e', `inject=${kill.call}:signal=KILL:when=${kill.nth}`] : []
  const result = await execa(
    'strace',
    ['-f', '-y', '-e', `trace=${names.join()}`, ...inject, process.execPath, ...script],
    // One thread, so that calls come in their order; no coverage, that would write at the end.
    { reject: false, env: { UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '', NODE_V8_COVERAGE: '' } }
  )
  const killed = result.stderr.includes('killed by SIGKILL')
  if (!killed && result.exitCode !== 0) throw new Error(result.stderr)
  const calls = result.stderr
    .split('\n')
    .map(line => line.replace(/^(strace: .*|\[pid +\d+\] )/, ''))
    .filter(line => names.some(name => line.startsWith(`${name}(`)))
  return { calls, output: result.stdout, killed }
}

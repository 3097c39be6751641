/** Runs a command that builds an environment; what it prints goes to the job's log as it comes. */
import { execa } from 'execa'
import { stoppedError, TrainingError } from './failure.ts'
import { lastLines } from './read-traceback.ts'
import type { Variables } from './settings.ts'
import { createTail } from './tail.ts'

export interface Builder {
  cwd: string
  env: Variables
  log: NodeJS.WritableStream
  signal: AbortSignal
}

const tailBytes = 16 * 1024
const mostLines = 8

/** A network that fails is the platform's fault, requirements that cannot be met are their author's. */
const platformTrouble =
  /error sending request|failed to fetch|dns error|connection (?:refused|reset|timed out)|no space left|operation timed out|CondaHTTPError|status (?:code )?5\d\d/i

/** Throws an error whose message begins with `what` and ends with the command's last words. */
export async function runBuilder(
  what: string,
  command: string,
  commandArguments: string[],
  { cwd, env, log, signal }: Builder
): Promise<void> {
  const tail = createTail(tailBytes)
  const subprocess = execa(command, commandArguments, {
    cwd,
    env,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    cancelSignal: signal
  })
  subprocess.all.on('data', tail.add)
  subprocess.all.pipe(log, { end: false })
  const result = await subprocess
  if (signal.aborted) throw stoppedError()
  if (!result.failed) return
  const last = lastError(tail.text()) ?? (lastLines(tail.text()) || result.shortMessage)
  throw new TrainingError(
    platformTrouble.test(tail.text()) ? 'platform' : 'user',
    `${what}: ${last}`
  )
}

/**
 * What uv, and whoever else begins so, says of its last error, with the causes below it: its last lines alone say neither
 * what failed nor where. Whole lines, for secrets are masked afterwards.
 */
function lastError(output: string): string | undefined {
  const lines = output.split('\n')
  const at = lines.findLastIndex(line => line.startsWith('error: '))
  if (at < 0) return undefined
  const said = lines.slice(at).map(line => line.trim())
  return said.filter(Boolean).slice(0, mostLines).join('\n')
}

/**
 * What every job begins with, done before there is one: `main.ts standby` imports MLflow, waits for the job of its parent, and
 * goes on as `main.ts train` would have begun.
 */
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { installedPackages } from './installed-packages.ts'
import type { Ahead } from './job.ts'
import type { Settings, Variables } from './settings.ts'
import { startPython } from './start-python.ts'

/** What the parent says when there is a job: all of its variables. */
export interface JobMessage {
  environment: Variables
}

export interface Told extends JobMessage {
  ahead: Ahead
}

/** undefined: the parent is gone, or wants no more of it. */
export async function standBy(
  { python, variables }: Settings,
  signal: AbortSignal
): Promise<Told | undefined> {
  if (!process.send) throw new Error('It waits for the job of a parent process, and there is none.')
  const told = once(process, 'message', { signal }).catch(() => undefined)
  const ahead: Ahead = {
    python: startPython({ python, variables, cwd: tmpdir() }),
    installed: installedPackages(python, variables, signal)
  }
  // From now on its folder may be moved: nothing is looked for by its old path any more.
  process.send({ waiting: true })
  await import('./train.ts')
  const [job] = ((await told) ?? []) as JobMessage[]
  if (!job) {
    ahead.python.child.kill('SIGKILL')
    return undefined
  }
  return { ...job, ahead }
}

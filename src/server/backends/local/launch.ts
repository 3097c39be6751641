/** Starts a process of a job, with its wall, and tells when nothing is left behind that. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobFile, JobFolder } from './job-folder.ts'
import { behindTheService } from './launch-command.ts'
import { endDescriptor } from './wall.ts'

/** The kernel takes no longer to end what was killed, unless a disk hangs. */
const downMilliseconds = 10_000

/** Of a session and process group of its own. */
export function launch(job: JobFile, folder: JobFolder, log: FileHandle): ChildProcess {
  const { command, arguments: given } = behindTheService(job, folder.path)
  return spawn(command, given, {
    cwd: folder.tree.base,
    env: job.environment,
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'ipc', ...(job.wall ? (['pipe'] as const) : [])]
  })
}

/** What is left behind a wall dies with the first process there, which is not told at once. */
export async function wallIsDown(launched: ChildProcess): Promise<void> {
  const held = launched.stdio[endDescriptor] as Socket | undefined
  if (!held || held.destroyed) return
  const down = new Promise(resolve => held.once('close', resolve))
  held.resume()
  await Promise.race([down, sleep(downMilliseconds)])
  held.destroy()
}

/** Starts the supervisor of a job, which outlives this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { JobFolder } from './job-folder.ts'

const superviseMain = join(import.meta.dirname, 'supervise.ts')

/** `waits`: it has no job yet. It is told by a message, and ends where this process does before. */
export async function startSupervisor(
  place: JobFolder,
  { variables, waits = false }: { variables: Record<string, string>; waits?: boolean }
): Promise<ChildProcess> {
  const errors = await open(join(place.path, 'supervisor.log'), 'a')
  try {
    const supervisor = spawn(process.execPath, [superviseMain, place.path], {
      detached: true,
      env: variables,
      stdio: ['ignore', errors.fd, errors.fd, waits ? 'ipc' : 'ignore']
    })
    await new Promise((resolve, reject) => supervisor.once('spawn', resolve).once('error', reject))
    supervisor.unref()
    supervisor.channel?.unref()
    return supervisor
  } finally {
    await errors.close()
  }
}

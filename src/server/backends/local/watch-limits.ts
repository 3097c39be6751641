/** Watches what a job uses, from outside of it, until it uses too much. */
import { statfsSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { folderBytes } from './folder-bytes.ts'
import type { JobFolder } from './job-folder.ts'
import type { Excess, JobLimits } from './limits.ts'
import { type JobProcess, type ProcessTree, proportionalBytes } from './process-tree.ts'

/** A program that takes memory as fast as it can gets about as much in this time as a machine has for one job. */
const lookMilliseconds = 200
const mebibyte = 1024 ** 2

/** What was too much; undefined when the signal came first. */
export async function watchLimits(
  folder: JobFolder,
  limits: JobLimits,
  tree: ProcessTree,
  ended: AbortSignal
): Promise<Excess | undefined> {
  while (!ended.aborted) {
    const processes = tree.list()
    const excess =
      tooManyProcesses(processes, limits) ??
      tooMuchMemory(tree, processes, limits) ??
      tooLongLog(folder, limits) ??
      (await tooMuchDisk(folder, limits))
    if (excess) return excess
    await sleep(lookMilliseconds, undefined, { signal: ended }).catch(() => {})
  }
  return undefined
}

function tooManyProcesses(
  running: JobProcess[],
  { processes: most }: JobLimits
): Excess | undefined {
  const threads = running.reduce((sum, each) => sum + each.threads, 0)
  if (threads <= most) return undefined
  return {
    kind: 'user',
    message: `The job had more than its ${most} processes and threads (LOCAL_MAX_PROCESSES).`
  }
}

/**
 * Processes are measured one after another: when one begins or ends meanwhile, what it shares with others counts too often.
 * So only what is too much at once and once more is too much.
 */
function tooMuchMemory(
  tree: ProcessTree,
  processes: JobProcess[],
  { memoryMb, memorySetting }: JobLimits
): Excess | undefined {
  const most = memoryMb * mebibyte
  if (processes.reduce((sum, each) => sum + each.residentBytes, 0) <= most) return undefined
  if (proportionalBytes(processes) <= most) return undefined
  if (proportionalBytes(tree.list()) <= most) return undefined
  return {
    kind: 'user',
    message: `The job used more than its ${memoryMb} MiB of memory (${memorySetting}).`
  }
}

function tooLongLog({ log }: JobFolder, { logBytes }: JobLimits): Excess | undefined {
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0
  if (size <= logBytes) return undefined
  return {
    kind: 'user',
    message: `The job printed more than its ${logBytes} bytes of log (LOCAL_MAX_LOG_BYTES).`
  }
}

/** What fills the disk cannot be told from what is only there: of several jobs, each that could have done it is ended. */
async function tooMuchDisk(
  { path }: JobFolder,
  { freeBytes }: JobLimits
): Promise<Excess | undefined> {
  const { bavail, bsize } = statfsSync(path)
  if (bavail * bsize >= freeBytes) return undefined
  const bytes = await folderBytes(path)
  if (bytes < freeBytes) return undefined
  return {
    kind: 'capacity',
    message: `The service's disk has less than ${freeBytes} bytes left (a quarter of MIN_FREE_BYTES), and the job's files take ${bytes} of it.`
  }
}

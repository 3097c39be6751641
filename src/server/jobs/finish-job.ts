/** A job has ended: its outputs go to storage, its report is read, and it becomes terminal, in this order. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { runReportFile } from '../../contract/container.ts'
import { plainFailure } from '../../contract/plain-failure.ts'
import { type Failure, RunReport } from '../../contract/run-report.ts'
import type { Observation } from '../backends/index.ts'
import { logKey, modelKey, outputKey, reportKey, type Storage } from '../storage/index.ts'
import type { JobRecord, JobStatus } from './job.ts'
import { maskOf } from './mask-job.ts'
import type { Changes } from './move-job.ts'
import { readArchiveFile } from './read-archive-file.ts'
import { seenChanges } from './seen-changes.ts'

const reportLimitBytes = 64 * 1024 * 1024

interface Finish {
  storage: Storage
  /** For temporary files. */
  folder: string
  move(
    job: JobRecord,
    status: JobStatus,
    reason: string | null,
    changes: Changes,
    happenedAt?: string
  ): Promise<void>
}

/** May be called again after a crash at any point of it. */
export async function finishJob(job: JobRecord, seen: Observation, finish: Finish): Promise<void> {
  const { storage } = finish
  for (const { key, file } of seen.outputs ?? []) if (existsSync(file)) await storage.put(key, file)
  const report = await readReport(job.id, finish)
  const model = await storage.stat(modelKey(job.id))
  const mask = maskOf(job)
  const failure = mask.deep(failureOf(job, seen, report))
  const status = seen.stopped ? 'stopped' : failure ? 'failed' : 'succeeded'
  const endedAt = seen.endedAt ?? new Date().toISOString()
  const changes: Changes = {
    ...seenChanges(seen),
    endedAt,
    failure,
    metrics: report?.metrics ?? seen.metrics ?? job.metrics,
    // What was said at submission the runtime may have found again.
    warnings: [...new Set([...job.warnings, ...mask.deep(report?.warnings ?? [])])],
    model: model
      ? {
          sizeBytes: model.sizeBytes,
          fileCount: report?.files.length ?? 0,
          loggedModels: report?.models ?? []
        }
      : null,
    keptBytes: await keptBytes(job.id, storage)
  }
  const run = report?.run ?? seen.run
  if (run) {
    const { id, experimentId, experimentName, trackingUri } = run
    changes.mlflowRun = { id, experimentId, experimentName, trackingUri }
  }
  await finish.move(job, status, failure?.message ?? null, changes, endedAt)
}

async function keptBytes(id: string, storage: Storage): Promise<number> {
  const keys = [modelKey(id), outputKey(id), reportKey(id), logKey(id)]
  const found = await Promise.all(keys.map(key => storage.stat(key)))
  return found.reduce((sum, object) => sum + (object?.sizeBytes ?? 0), 0)
}

/** The runtime's report out of output.tar.gz, kept beside it so that it can be read without unpacking. */
async function readReport(id: string, { storage, folder }: Finish): Promise<RunReport | undefined> {
  if (!(await storage.stat(outputKey(id)))) return undefined
  const archive = await storage.read(outputKey(id))
  const text = await readArchiveFile(archive, runReportFile, reportLimitBytes).catch(noneIfBroken)
  if (text === undefined) return undefined
  const report = parseReport(text)
  if (!report) return undefined
  const temporary = await mkdtemp(join(folder, 'report-'))
  try {
    const file = join(temporary, runReportFile)
    await writeFile(file, text)
    await storage.put(reportKey(id), file)
  } finally {
    await rm(temporary, { recursive: true })
  }
  return report
}

/** The user's program can write there as well: what is no archive counts as none. Where reading failed, the job is not finished. */
function noneIfBroken(error: NodeJS.ErrnoException): undefined {
  const { code = '', name } = error
  if (/^E[A-Z]+$|^ERR_STREAM_PREMATURE_CLOSE$/.test(code) || name === 'TimeoutError') throw error
}

function parseReport(text: string): RunReport | undefined {
  try {
    const report: unknown = JSON.parse(text)
    return Value.Check(RunReport, report) ? report : undefined
  } catch {
    return undefined
  }
}

/** What the backend knows for certain, then what the user's program said, then what the backend guesses. */
function failureOf(
  job: JobRecord,
  seen: Observation,
  report: RunReport | undefined
): Failure | null {
  // A job that was deleted where it ran is not seen any more; its record says that it had begun.
  if (seen.stopped) return report?.failure ?? stopped(seen.startedAt ?? job.startedAt)
  if (seen.failure && (seen.failure.kind !== 'user' || seen.certain)) return seen.failure
  if (seen.exitCode === 0) return null
  if (report?.failure) return report.failure
  if (seen.failure) return seen.failure
  const exitCode = seen.exitCode ?? null
  const message = `The job's process ended with exit code ${exitCode} and left no report; its log says more.`
  return plainFailure('platform', message, exitCode)
}

const stopped = (startedAt: string | null) =>
  plainFailure(
    'stopped',
    startedAt
      ? 'The job was stopped before it left a report.'
      : 'The job was stopped before it began.'
  )

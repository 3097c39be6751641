/** What the runtimes of running jobs say of them: their reports, each read again only when it was replaced. */
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { runReportFile } from '../../../contract/container.ts'
import { RunReport } from '../../../contract/run-report.ts'
import type { JobFolder } from './job-folder.ts'
import { withRegular } from './read-regular.ts'
import { isInPlace } from './real-path.ts'

/** What of a report is told before the job's end. */
export type LiveReport = Pick<RunReport, 'run' | 'metrics'>

export interface LiveReports {
  /** undefined while there is none. */
  read(id: string, place: JobFolder): Promise<LiveReport | undefined>
  forget(id: string): void
}

/** The user's program can write there, too: what is no report, or is far too large, counts as none. */
const mostBytes = 16 * 1024 * 1024

export function createLiveReports(): LiveReports {
  const known = new Map<string, { stamp: string; report: LiveReport | undefined }>()
  return {
    async read(id, { path, tree }) {
      if (!isInPlace(tree.outputData, path)) return undefined
      return withRegular(join(tree.outputData, runReportFile), mostBytes, async file => {
        const { stamp } = file
        const before = known.get(id)
        if (before?.stamp === stamp) return before.report
        const report = reportIn(await file.text())
        known.set(id, { stamp, report })
        return report
      })
    },
    forget: id => void known.delete(id)
  }
}

function reportIn(text = ''): LiveReport | undefined {
  try {
    const report: unknown = JSON.parse(text)
    if (!Value.Check(RunReport, report)) return undefined
    const { run, metrics } = report
    return { run, metrics }
  } catch {
    return undefined
  }
}

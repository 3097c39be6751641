/** The run report while it grows. */
import type { ContainerTree } from '../contract/container.ts'
import { emptyReport } from '../contract/empty-report.ts'
import type { Mask } from '../contract/mask.ts'
import type { RunReport } from '../contract/run-report.ts'
import { maskReport } from './mask-report.ts'
import { writeReport } from './write-results.ts'

export interface GrowingReport {
  readonly value: RunReport
  /** Does one part of the job, and notes how long it took. */
  phase<Result>(name: string, work: () => Promise<Result>): Promise<Result>
  /** Says it in the log, too. */
  warn(text: string): void
  save(): Promise<void>
}

export function createReport(
  tree: ContainerTree,
  say: (text: string) => void,
  mask?: Mask
): GrowingReport {
  const value = emptyReport()
  let saved: Promise<void> = Promise.resolve()
  const masked = (): RunReport => (mask ? maskReport(value, mask) : value)
  return {
    value,
    async phase(name, work) {
      const startedAt = new Date()
      try {
        return await work()
      } finally {
        value.phases.push({
          name,
          startedAt: startedAt.toISOString(),
          seconds: secondsSince(startedAt)
        })
      }
    },
    warn(text) {
      value.warnings.push(text)
      say(text)
    },
    save() {
      // One after the other: they write to the same file.
      saved = saved.catch(() => {}).then(() => writeReport(tree, masked()))
      return saved
    }
  }
}

const secondsSince = (start: Date) => (Date.now() - start.getTime()) / 1000

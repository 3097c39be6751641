/** The run's metrics while its program runs: into the report, and where nobody can read that yet, into the log. */
import { setTimeout as sleep } from 'node:timers/promises'
import { boundMetrics, type Metrics, metricLines } from '../contract/metric-lines.ts'
import type { GrowingReport } from './report.ts'

export interface TellOptions {
  report: GrowingReport
  /** Where they are printed; undefined: nowhere. */
  log: NodeJS.WritableStream | undefined
}

/** `isMidLine`: whether what the program printed last goes on. */
export type TellMetrics = (metrics: Metrics, isMidLine: () => boolean) => Promise<void>

const patience = { tries: 10, milliseconds: 100 }

/** Never throws: a job does not fail because nobody learns how it goes. */
export function createMetricTeller({ report, log }: TellOptions): TellMetrics {
  let printed: Metrics = {}

  function print(metrics: Metrics, to: NodeJS.WritableStream): void {
    const changed = Object.entries(metrics).filter(([name, value]) => printed[name] !== value)
    printed = metrics
    const run = report.value.run?.id ?? ''
    for (const line of metricLines({ run, metrics: Object.fromEntries(changed) }))
      to.write(`${line}\n`)
  }

  return async (all, isMidLine) => {
    const metrics = boundMetrics(all)
    report.value.metrics = metrics
    await report.save().catch(() => {})
    if (!log) return
    // A line may come in two pieces, and is waited for; a progress bar may not end for hours, and is broken.
    for (let tries = 0; isMidLine() && tries < patience.tries; tries++)
      await sleep(patience.milliseconds)
    if (isMidLine()) log.write('\n')
    print(metrics, log)
  }
}

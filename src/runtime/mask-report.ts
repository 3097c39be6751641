/** A run report without the job's secrets: the program chooses the names of what it logs, too. */
import type { Mask } from '../contract/mask.ts'
import type { RunReport } from '../contract/run-report.ts'

/** Names of files stay as they are: they must be those of the model's archive. */
export function maskReport(report: RunReport, { deep, names }: Mask): RunReport {
  const masked = deep(report)
  return {
    ...masked,
    metrics: names(masked.metrics),
    metricHistory: names(masked.metricHistory),
    params: names(masked.params),
    tags: names(masked.tags),
    childRuns: masked.childRuns.map(run => ({
      ...run,
      metrics: names(run.metrics),
      params: names(run.params)
    })),
    models: report.models.map((model, n) => ({
      ...model,
      name: masked.models[n]?.name ?? model.name
    })),
    files: report.files
  }
}

import type { RunReport } from './run-report.ts'

/** What is known of a job before it begins. */
export const emptyReport = (): RunReport => ({
  version: 1,
  run: null,
  metrics: {},
  metricHistory: {},
  params: {},
  tags: {},
  childRuns: [],
  models: [],
  files: [],
  environment: null,
  failure: null,
  warnings: [],
  phases: [],
  exitCode: null
})

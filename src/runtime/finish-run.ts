/** The end of the MLflow run, and what was logged to it. */
import type { Failure } from '../contract/run-report.ts'
import { failureOf } from './failure.ts'
import { hintsFor } from './hints.ts'
import type { Job, Plan } from './job.ts'
import { lastTags } from './lineage.ts'
import type { CreatedRun, FinishedRun } from './mlflow-calls.ts'
import type { GrowingReport } from './report.ts'

/** Ends the MLflow run, whatever became of the program, and takes what was logged into the report. */
export async function finishRun(
  { mlflow, tree, report }: Job,
  { hyperparameters, entryPoint, hints, project, projectFolder, manager }: Plan,
  run: CreatedRun,
  failure: Failure | null,
  output: string
): Promise<Failure | null> {
  const { parameters } = hyperparameters
  report.value.failure = failure
  try {
    const finished = await report.phase('results', () =>
      mlflow.finishRun({
        run_id: run.id,
        status: failure === null ? 'FINISHED' : failure.kind === 'stopped' ? 'KILLED' : 'FAILED',
        project: projectFolder,
        entry_point: entryPoint,
        parameters,
        tags: lastTags(report.value),
        folder: tree.model
      })
    )
    takeOver(report, finished)
    const [problem] = finished.problems
    for (const each of finished.problems) report.warn(each)
    if (problem) {
      report.value.failure ??= failureOf(
        new Error(`The program ended well, but not all that it logged could be fetched. ${problem}`)
      )
    }
  } catch (error) {
    const message = `The MLflow run could not be ended: ${failureOf(error).message}`
    report.warn(message)
    report.value.failure ??= failureOf(new Error(message))
  }
  const environmentFile = project.environment.file
  const ended = { report: report.value, output, hints, manager, environmentFile }
  for (const hint of hintsFor(ended)) report.warn(hint)
  return report.value.failure
}

function takeOver({ value }: GrowingReport, finished: FinishedRun): void {
  const { status, problems: _, metricHistory, ...logged } = finished
  Object.assign(value, logged)
  if (value.run) value.run.status = status
  value.metricHistory = Object.fromEntries(
    Object.entries(metricHistory).map(([key, points]) => [
      key,
      points.map(({ value, step, timestamp }) => ({ value, step, at: timeOf(timestamp) }))
    ])
  )
}

/** Logged times may be anything; a year beyond 275760 is no date. */
function timeOf(milliseconds: number): string {
  const time = new Date(milliseconds)
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString()
}

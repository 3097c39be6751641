/** What to do about failures that MLflow's and Python's own words do not explain. */
import type { CodeHints } from '../contract/code-hints.ts'
import type { RunReport } from '../contract/run-report.ts'
import type { Manager } from './prepare-environment.ts'

export interface Ended {
  report: RunReport
  /** The end of what the program printed. */
  output: string
  hints: CodeHints
  manager: Manager
  /** The environment file; null where the project names none. */
  environmentFile: string | null
}

export function hintsFor(ended: Ended): string[] {
  return ended.report.failure ? failureHints(ended) : successHints(ended)
}

function failureHints({ report, output, hints, manager, environmentFile }: Ended): string[] {
  const said = `${report.failure?.message}\n${output}`
  const found: string[] = []
  if (/active experiment ID does not match|experiment ID .*does not match/i.test(said)) {
    const named = hints.experiments.map(name => `"${name}"`).join(', ')
    found.push(
      `The code calls mlflow.set_experiment${named && ` (${named})`}, but the run was made in the experiment "${report.run?.experimentName}". Leave that call out, or name that experiment for the job (run.experimentName).`
    )
  }
  if (/Could not find Conda executable/i.test(said)) {
    found.push(
      'The code calls mlflow.run for another entry point, which wants conda by default. Pass env_manager="local" there: it then runs in the environment of this job.'
    )
  }
  if (/Could not find a registered artifact repository for: mlflow-artifacts:/.test(said)) {
    found.push(
      'An MLflow before 1.23 can log metrics to this tracking server, but no files: require mlflow>=1.23.'
    )
  }
  const missing = /No module named '([^'.]+)/.exec(report.failure?.message ?? '')?.[1]
  if (missing) found.push(missingModule(missing, manager, environmentFile))
  return found
}

function missingModule(module: string, manager: Manager, file: string | null): string {
  if (file === null) {
    return `The module ${module} is not installed, and the project names no environment: add a python_env.yaml that requires it.`
  }
  if (manager === 'local') {
    return `The module ${module} is not installed, and the environment of ${file} was not built. Name the package that has it in ${file}, and do not ask for the environment manager local.`
  }
  return `The module ${module} is not installed: add the package that has it to ${file}.`
}

function successHints({ report, hints }: Ended): string[] {
  const runs = [report, ...report.childRuns]
  if (report.models.length > 0 || runs.some(run => Object.keys(run.metrics).length > 0)) return []
  const why = hints.setsTrackingUri
    ? 'Its code calls mlflow.set_tracking_uri, so it may have logged elsewhere: leave that call out.'
    : 'Does its code name another tracking URI or experiment (set_tracking_uri, set_experiment)?'
  return [`The job has logged no metric and left no model. ${why}`]
}

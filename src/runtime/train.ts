/** One training job from its hyperparameters to its results. */
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ContainerTree, containerTree } from '../contract/container.ts'
import type { Failure, RunReport } from '../contract/run-report.ts'
import { containerEnvironment } from './container-environment.ts'
import { createRun } from './create-run.ts'
import { failureOf, programFailure, stoppedError } from './failure.ts'
import { finishRun } from './finish-run.ts'
import { type Installed, installedPackages } from './installed-packages.ts'
import type { Job, Plan, TrainOptions } from './job.ts'
import { environmentFile, runtimeFacts } from './lineage.ts'
import { startMlflow } from './mlflow.ts'
import type { CreatedRun } from './mlflow-calls.ts'
import { planJob } from './plan-job.ts'
import { prepareEnvironment } from './prepare-environment.ts'
import { loggingPackages } from './project-packages.ts'
import { isFirstHost, readConfig } from './read-config.ts'
import { createReport, type GrowingReport } from './report.ts'
import { runProgram } from './run-program.ts'
import { createMetricTeller } from './tell-metrics.ts'
import { failureText, listModelFiles, writeFailure } from './write-results.ts'

/** Exit codes of ours where the program has none to give. */
const platformExitCode = 1
const stoppedExitCode = 143

/** Answers the exit code: the program's own, where it ran to its end. */
export async function train(options: TrainOptions): Promise<number> {
  const { settings, log } = options
  const tree = containerTree(settings.base)
  const say = (text: string) => void log.write(`mlflow-jobs: ${text}\n`)
  const report = createReport(tree, say)
  let failure: Failure | null
  try {
    const config = await readConfig(tree)
    if (!isFirstHost(config)) {
      say(`${config.hosts[0]} runs the project; ${config.currentHost} has nothing to do.`)
      return 0
    }
    failure = await runJob({ ...options, tree, config, report, say })
  } catch (error) {
    failure = options.signal.aborted ? failureOf(stoppedError()) : failureOf(error)
  }
  return leaveResults(tree, report, failure, say)
}

async function runJob(options: Omit<Job, 'mlflow'>): Promise<Failure | null> {
  const { settings, log, tree, report } = options
  const cwd = join(tmpdir(), 'mlflow-jobs')
  await mkdir(cwd, { recursive: true })
  await mkdir(tree.model, { recursive: true })
  const start = () =>
    startMlflow({
      python: settings.python,
      variables: { ...settings.variables, ...settings.arnVariables },
      cwd,
      log,
      onMetrics: createMetricTeller({ report, log: settings.metricLines ? log : undefined })
    })
  const job = { ...options, mlflow: start() }
  try {
    report.value.runtime = runtimeFacts(settings)
    const plan = await planJob(job)
    report.value.command = plan.project.entryPoints[plan.entryPoint]?.command ?? null
    const ahead = plan.manager === 'local' ? readAhead(job) : undefined
    const run = await createRun(job, plan)
    const failure = await runPlan(job, plan, run, ahead).catch(error =>
      job.signal.aborted ? failureOf(stoppedError()) : failureOf(error)
    )
    const output = await job.mlflow.output()
    if (!job.mlflow.isAlive()) job.mlflow = start()
    return await finishRun(job, plan, run, failure, output)
  } finally {
    await job.mlflow.close()
  }
}

/** Where nothing is built: while the process that speaks to MLflow still imports it, this costs no time. */
const readAhead = ({ settings, signal }: Job) =>
  installedPackages(settings.python, { ...settings.variables, ...settings.arnVariables }, signal)

async function runPlan(
  job: Job,
  plan: Plan,
  run: CreatedRun,
  ahead?: Promise<Installed | undefined>
): Promise<Failure | null> {
  const { tree, config, settings, report, mlflow, say, log, signal } = job
  const { hyperparameters, entryPoint, project, codeFolder, projectFolder, manager } = plan
  const { parameters, options } = hyperparameters
  const startedAt = Date.now()
  const prepared = await report.phase('environment', () =>
    prepareEnvironment({
      manager,
      environment: project.environment,
      pythonPin: options.pythonPin ?? 'exact',
      settings,
      codeFolder,
      packages: loggingPackages(
        settings.variables.MLFLOW_TRACKING_URI ?? '',
        run.artifactUri,
        project.environment
      ),
      privateFolder: join(tree.base, 'environment'),
      say,
      log,
      signal
    })
  )
  const known: NonNullable<RunReport['environment']> = {
    manager,
    python: prepared.python ?? run.python,
    reused: prepared.reused,
    seconds: (Date.now() - startedAt) / 1000,
    file: await environmentFile(plan)
  }
  report.value.environment = known
  const variables = await containerEnvironment(tree, config, settings.variables)
  const environment = { ...settings.variables, ...variables, ...prepared.variables }
  const reading = ahead ?? installedPackages(prepared.interpreter, environment, signal)
  const exitCode = await report.phase('program', () =>
    runProgram(
      mlflow,
      {
        project: projectFolder,
        entry_point: entryPoint,
        parameters,
        storage_dir: options.storageDir ?? null,
        environment,
        run_id: run.id,
        experiment_id: run.experimentId
      },
      { signal, stopGraceSeconds: settings.stopGraceSeconds, onStart: job.onProgram }
    ).finally(async () => Object.assign(known, await reading))
  )
  if (exitCode === 0) return null
  return programFailure(exitCode, { output: await mlflow.output(), codeFolder, projectFolder })
}

async function leaveResults(
  tree: ContainerTree,
  report: GrowingReport,
  failure: Failure | null,
  say: (text: string) => void
): Promise<number> {
  const { value } = report
  value.failure = failure
  value.exitCode = exitCodeOf(failure)
  value.files = await listModelFiles(tree, report.warn)
  if (failure && failure.kind !== 'stopped') await writeFailure(tree, failure)
  if (failure)
    say(
      `The job ${failure.kind === 'stopped' ? 'was stopped' : 'failed'}: ${failureText({ ...failure, traceback: null })}`
    )
  await report.save()
  return value.exitCode
}

function exitCodeOf(failure: Failure | null): number {
  if (failure === null) return 0
  if (failure.kind === 'stopped') return stoppedExitCode
  return failure.exitCode ?? platformExitCode
}

/** One training job from its hyperparameters to its results. */
import { mkdir } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { type ContainerTree, containerTree } from '../contract/container.ts'
import { type DecodedHyperparameters, decodeHyperparameters } from '../contract/hyperparameters.ts'
import type { Failure } from '../contract/run-report.ts'
import { chooseExperiment } from './choose-experiment.ts'
import { containerEnvironment } from './container-environment.ts'
import { failureOf, programFailure, stoppedError, userError } from './failure.ts'
import { fetchCode } from './fetch-code.ts'
import { hintsFor } from './hints.ts'
import { type CreatedRun, type FinishedRun, type Mlflow, startMlflow } from './mlflow.ts'
import { chooseManager, type Manager, prepareEnvironment } from './prepare-environment.ts'
import { type Code, readCode } from './read-code.ts'
import { type ContainerConfig, isFirstHost, readConfig } from './read-config.ts'
import { createReport, type GrowingReport } from './report.ts'
import { runProgram } from './run-program.ts'
import type { Settings } from './settings.ts'
import { failureText, listModelFiles, writeFailure } from './write-results.ts'

export interface TrainOptions {
  settings: Settings
  log: NodeJS.WritableStream
  /** Asks for a stop. */
  signal: AbortSignal
  /** Gets the process group of the user's program once it runs. */
  onProgram(group: number): void
}

interface Job extends TrainOptions {
  tree: ContainerTree
  config: ContainerConfig
  report: GrowingReport
  mlflow: Mlflow
  say(text: string): void
}

interface Plan extends Code {
  hyperparameters: DecodedHyperparameters
  codeFolder: string
  projectFolder: string
  manager: Manager
}

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
  const { settings, log, tree } = options
  const cwd = join(tmpdir(), 'mlflow-jobs')
  await mkdir(cwd, { recursive: true })
  await mkdir(tree.model, { recursive: true })
  const start = () =>
    startMlflow({ python: settings.python, variables: settings.variables, cwd, log })
  const job = { ...options, mlflow: start() }
  try {
    const plan = await makePlan(job)
    const run = await createRun(job, plan)
    const failure = await runPlan(job, plan, run).catch(error =>
      job.signal.aborted ? failureOf(stoppedError()) : failureOf(error)
    )
    const output = job.mlflow.output()
    if (!job.mlflow.isAlive()) job.mlflow = start()
    return await finishRun(job, plan, run, failure, output)
  } finally {
    await job.mlflow.close()
  }
}

/** All that can be known before anything is run. */
async function makePlan({ tree, config, settings, report, say, signal }: Job): Promise<Plan> {
  const hyperparameters = decodeHyperparameters(config.hyperparameters)
  const { faults, warnings, options, submitDirectory, projectPath } = hyperparameters
  for (const warning of warnings) report.warn(warning)
  if (faults.length > 0) throw userError(faults.map(({ detail }) => detail).join(' '))
  const codeFolder = await report.phase('code', () => fetchCode(tree, submitDirectory))
  const code = readCode(codeFolder, projectPath)
  for (const warning of code.warnings) report.warn(warning)
  const { environment, path } = code.project
  const { manager, note } = await chooseManager(options.envManager, environment, settings)
  if (note) say(note)
  if (signal.aborted) throw stoppedError()
  return { ...code, hyperparameters, codeFolder, projectFolder: join(codeFolder, path), manager }
}

async function createRun(
  { mlflow, report, settings, signal }: Job,
  { hyperparameters, hints, project, manager }: Plan
): Promise<CreatedRun> {
  const { options, tags } = hyperparameters
  const experiment = chooseExperiment(options, settings.variables, hints)
  if (experiment.warning) report.warn(experiment.warning)
  const { python, ...run } = await report.phase('mlflow', () =>
    unlessStopped(
      signal,
      mlflow.createRun({
        experiment_id: experiment.id,
        experiment_name: experiment.name,
        run_id: options.runId ?? null,
        run_name: options.runName ?? null,
        tags: {
          'mlflow.user': userName(),
          'mlflow.source.name': hyperparameters.submitDirectory ?? project.name ?? project.file,
          'mlflow.source.type': 'PROJECT',
          'mlflow.project.entryPoint': options.entryPoint ?? 'main',
          'mlflow.project.env': manager,
          'mlflow.project.backend': 'local',
          ...tags
        }
      })
    )
  )
  report.value.run = run
  await report.save()
  return { ...run, python }
}

async function runPlan(job: Job, plan: Plan, run: CreatedRun): Promise<Failure | null> {
  const { tree, config, settings, report, mlflow, say, log, signal } = job
  const { hyperparameters, project, codeFolder, projectFolder, manager } = plan
  const { parameters, options } = hyperparameters
  const startedAt = Date.now()
  const prepared = await report.phase('environment', () =>
    prepareEnvironment({
      manager,
      environment: project.environment,
      pythonPin: options.pythonPin ?? 'exact',
      settings,
      codeFolder,
      privateFolder: join(tree.base, 'environment'),
      say,
      log,
      signal
    })
  )
  report.value.environment = {
    manager,
    python: prepared.python ?? run.python,
    reused: prepared.reused,
    seconds: (Date.now() - startedAt) / 1000
  }
  const variables = await containerEnvironment(tree, config, settings.variables)
  const exitCode = await report.phase('program', () =>
    runProgram(
      mlflow,
      {
        project: projectFolder,
        entry_point: options.entryPoint ?? 'main',
        parameters,
        storage_dir: options.storageDir ?? null,
        environment: { ...settings.variables, ...variables, ...prepared.variables },
        run_id: run.id,
        experiment_id: run.experimentId
      },
      { signal, stopGraceSeconds: settings.stopGraceSeconds, onStart: job.onProgram }
    )
  )
  if (exitCode === 0) return null
  return programFailure(exitCode, { output: mlflow.output(), codeFolder, projectFolder })
}

/** Ends the MLflow run, whatever became of the program, and takes what was logged into the report. */
async function finishRun(
  { mlflow, tree, report }: Job,
  { hyperparameters, hints, project, projectFolder, manager }: Plan,
  run: CreatedRun,
  failure: Failure | null,
  output: string
): Promise<Failure | null> {
  const { options, parameters } = hyperparameters
  report.value.failure = failure
  try {
    const finished = await report.phase('results', () =>
      mlflow.finishRun({
        run_id: run.id,
        status: failure === null ? 'FINISHED' : failure.kind === 'stopped' ? 'KILLED' : 'FAILED',
        project: projectFolder,
        entry_point: options.entryPoint ?? 'main',
        parameters,
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
  await mkdir(dirname(tree.failure), { recursive: true })
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

/** Logged times may be anything; a year beyond 275760 is no date. */
function timeOf(milliseconds: number): string {
  const time = new Date(milliseconds)
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString()
}

async function unlessStopped<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(stoppedError())
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  return Promise.race([work, stopped])
}

/** The name of the user that a container's process runs as may be unknown. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

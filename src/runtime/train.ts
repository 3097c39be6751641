/** One training job from its hyperparameters to its results. */
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ContainerTree, containerTree } from '../contract/container.ts'
import { createMask } from '../contract/mask.ts'
import type { Failure } from '../contract/run-report.ts'
import { createRun } from './create-run.ts'
import { failureOf, stoppedError } from './failure.ts'
import { finishRun } from './finish-run.ts'
import { installedPackages } from './installed-packages.ts'
import type { Job, TrainOptions } from './job.ts'
import { runtimeFacts } from './lineage.ts'
import { createMaskedLog } from './masked-log.ts'
import { startMlflow } from './mlflow.ts'
import { planJob } from './plan-job.ts'
import { isFirstHost, readConfig } from './read-config.ts'
import { readSecrets } from './read-secrets.ts'
import { makeNamesReadable } from './readable-names.ts'
import { createReport, type GrowingReport } from './report.ts'
import { runPlan } from './run-plan.ts'
import { secretsIn, withSecrets } from './secrets.ts'
import type { Python } from './start-python.ts'
import { createMetricTeller } from './tell-metrics.ts'
import { unlessStopped } from './unless-stopped.ts'
import { failureText, listModelFiles, maskFailureFile, writeFailure } from './write-results.ts'

/** Exit codes of ours where the program has none to give. */
const platformExitCode = 1
const stoppedExitCode = 143

/** Answers the exit code: the program's own, where it ran to its end. */
export async function train(options: TrainOptions): Promise<number> {
  const tree = containerTree(options.settings.base)
  const mask = createMask(secretsIn(options.settings))
  const { stream: log, flush } = createMaskedLog(options.log, mask)
  const say = (text: string) => void log.write(`mlflow-jobs: ${text}\n`)
  const report = createReport(tree, say, mask)
  let failure: Failure | null
  try {
    const config = await readConfig(tree)
    if (!isFirstHost(config)) {
      say(`${config.hosts[0]} runs the project; ${config.currentHost} has nothing to do.`)
      await flush()
      return 0
    }
    const values = await unlessStopped(
      options.signal,
      readSecrets(options.settings, options.signal)
    )
    mask.add(Object.values(values))
    const settings = withSecrets(options.settings, values)
    failure = await runJob({ ...options, settings, log, tree, config, report, say, mask })
  } catch (error) {
    failure = options.signal.aborted ? failureOf(stoppedError()) : failureOf(error)
  }
  const exitCode = await leaveResults(tree, report, mask.deep(failure), say)
  await maskFailureFile(tree, mask)
  await flush()
  return exitCode
}

async function runJob(options: Omit<Job, 'mlflow'>): Promise<Failure | null> {
  const { settings, log, tree, report, mask, ahead } = options
  const cwd = join(tmpdir(), 'mlflow-jobs')
  await mkdir(cwd, { recursive: true })
  await mkdir(tree.model, { recursive: true })
  const { python } = settings
  const variables = { ...settings.variables, ...settings.arnVariables }
  const onMetrics = createMetricTeller({ report, log: settings.metricLines ? log : undefined })
  const start = (started?: Python) =>
    startMlflow({
      python,
      variables,
      cwd,
      log,
      mask: mask.text,
      onMetrics,
      ...(started ? { started } : {})
    })
  const job = { ...options, mlflow: start(ahead?.python) }
  try {
    report.value.runtime = runtimeFacts(settings)
    const plan = await planJob(job)
    report.value.command = plan.project.entryPoints[plan.entryPoint]?.command ?? null
    // Nothing is built then; while the process that speaks to MLflow still imports it, this costs no time.
    const installed =
      plan.manager === 'local'
        ? (ahead?.installed ?? installedPackages(python, variables, job.signal))
        : undefined
    const run = await createRun(job, plan)
    const failure = await runPlan(job, plan, run, installed).catch(error =>
      job.signal.aborted ? failureOf(stoppedError()) : failureOf(error)
    )
    const output = await job.mlflow.output()
    if (!job.mlflow.isAlive()) job.mlflow = start()
    return await finishRun(job, plan, run, failure, output)
  } finally {
    await job.mlflow.close()
  }
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
  await makeNamesReadable(tree.outputData, report.warn)
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

/** The runtime as a process over a container tree, as SageMaker and the local backend start it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { create } from 'tar'
import { containerTree } from '../../src/contract/container.ts'
import type { RunReport } from '../../src/contract/run-report.ts'
import { trackingUri } from './mlflow.ts'
import { python } from './python.ts'

const main = join(import.meta.dirname, '../../src/runtime/main.ts')
const projects = join(import.meta.dirname, '../fixtures/projects')

export interface RuntimeJob {
  /** A new folder, for /opt/ml. */
  base: string
  /** A folder of test/fixtures/projects, or a path; null: the code is elsewhere. */
  project: string | null
  hyperparameters?: Record<string, string>
  environment?: Record<string, string>
}

/** Makes the tree of a job, its code in the channel. */
export async function makeTree(
  { base, project, hyperparameters = {} }: RuntimeJob,
  resources: Record<string, unknown> = {}
) {
  const tree = containerTree(base)
  const channel = join(tree.inputData, 'code')
  for (const folder of [tree.inputConfig, channel]) mkdirSync(folder, { recursive: true })
  const hosts = {
    current_host: 'algo-1',
    hosts: ['algo-2', 'algo-1'],
    network_interface_name: 'lo',
    ...resources
  }
  writeFileSync(tree.hyperparameters, JSON.stringify(hyperparameters))
  writeFileSync(tree.resourceConfig, JSON.stringify(hosts))
  writeFileSync(tree.inputDataConfig, JSON.stringify({ code: { TrainingInputMode: 'File' } }))
  if (project === null) return tree
  const cwd = resolve(projects, project)
  await create({ cwd, file: join(channel, 'project.tar.gz'), gzip: true, portable: true }, ['.'])
  return tree
}

/** Starts `main.ts train`; `all` of its result is the log. */
export async function startRuntime(job: RuntimeJob, resources?: Record<string, unknown>) {
  const tree = await makeTree(job, resources)
  const subprocess = execa(process.execPath, [main, 'train'], {
    cwd: tree.base,
    env: {
      SAGEMAKER_BASE_DIR: tree.base,
      MLFLOW_JOBS_PYTHON: python(),
      MLFLOW_JOBS_ENVIRONMENTS: join(tree.base, '../environments'),
      MLFLOW_TRACKING_URI: await trackingUri(),
      ...job.environment
    },
    all: true,
    reject: false,
    // It may take its time to stop, as in a container.
    forceKillAfterDelay: false
  })
  return { tree, subprocess }
}

/** Runs a job to its end. */
export async function runRuntime(job: RuntimeJob) {
  const { tree, subprocess } = await startRuntime(job)
  const { exitCode, all: log } = await subprocess
  return { exitCode, log, tree, ...readResults(tree) }
}

export function readResults(tree: ReturnType<typeof containerTree>) {
  const report = join(tree.outputData, 'run-report.json')
  return {
    report: JSON.parse(readFileSync(report, 'utf8')) as RunReport,
    failureFile: existsSync(tree.failure) ? readFileSync(tree.failure, 'utf8') : null
  }
}

/** One run as the tracking server has it. */
export async function readRun(id: string | undefined) {
  const answer = await fetch(`${await trackingUri()}/api/2.0/mlflow/runs/get?run_id=${id}`)
  const { run } = (await answer.json()) as { run: { info: { status: string } } }
  return run
}

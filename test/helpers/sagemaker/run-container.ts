/** The container of one host of a training job: here a process of the real runtime over a folder in the shape of /opt/ml. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ContainerTree } from '../../../src/contract/container.ts'
import { region, type TrainingJob } from './training-job.ts'

export interface Container {
  /** Its exit code. */
  ended: Promise<number>
  /** SIGTERM to the container's first process. */
  stop(): void
  /** SIGKILL to everything in it. */
  kill(): void
}

export interface Host {
  /** Such as algo-1. */
  name: string
  tree: ContainerTree
  /** Its /tmp. */
  temporary: string
}

/** Another one may run the job's image instead. */
export type StartContainer = (
  job: TrainingJob,
  host: Host,
  log: (line: string) => void
) => Container

const runtime = join(import.meta.dirname, '../../../src/runtime/main.ts')

/** Runs the runtime of this repository whatever the job's image is. */
export function createProcessStarter(options: {
  python: string
  /** Of a job that has a network: where S3 is and how it is read. */
  s3Environment: Record<string, string>
}): StartContainer {
  return ({ name, description }, host, log) => {
    const child = spawn(process.execPath, [runtime, 'train'], {
      cwd: host.tree.base,
      env: {
        ...description.Environment,
        ...(description.EnableNetworkIsolation ? {} : options.s3Environment),
        TRAINING_JOB_NAME: name,
        TRAINING_JOB_ARN: description.TrainingJobArn,
        AWS_REGION: region,
        SAGEMAKER_BASE_DIR: host.tree.base,
        MLFLOW_JOBS_PYTHON: options.python,
        PATH: process.env.PATH,
        TMPDIR: host.temporary
      },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    })
    // What would die with a real container: the runtime's group and that of the user's program.
    const groups = new Set(child.pid === undefined ? [] : [child.pid])
    child.on('message', ({ programGroup }: { programGroup?: number }) => {
      if (programGroup) groups.add(programGroup)
    })
    for (const stream of [child.stdout, child.stderr])
      if (stream) createInterface({ input: stream }).on('line', log)
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) =>
        resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))
      )
    })
    return { ended, stop: () => child.kill('SIGTERM'), kill: () => killGroups(groups) }
  }
}

/** macOS answers EPERM for a group of zombies. */
function killGroups(groups: Set<number>): void {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL')
    } catch (error) {
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

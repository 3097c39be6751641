/** The way of a training job from status to status. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeHosts, readFailure, uploadOutputs } from './host-tree.ts'
import type { Knobs } from './knobs.ts'
import type { Logs } from './logs.ts'
import { createPretendedArchives } from './pretend.ts'
import type { Container, Host, StartContainer } from './run-container.ts'
import type { S3Folders } from './s3-folder.ts'
import {
  type Ending,
  end,
  enter,
  enterStopping,
  outputUri,
  startClock,
  type TrainingJob
} from './training-job.ts'

export interface RunOptions {
  knobs: Knobs
  logs: Logs
  s3: S3Folders
  startContainer: StartContainer
  /** Aborted when the emulator ends: jobs are dropped where they are. */
  closing: AbortSignal
}

/** Never rejects: what goes wrong is the job's failure. */
export function createRunner(options: RunOptions): (job: TrainingJob) => Promise<void> {
  const { knobs, logs, s3, startContainer, closing } = options
  const pretendedArchives = createPretendedArchives()

  return async job => {
    try {
      const ending = await run(job)
      if (!closing.aborted) end(job, ending)
    } catch (error) {
      const { message } = error as Error
      if (!closing.aborted) end(job, { status: 'Failed', reason: `ClientError: ${message}` })
    }
  }

  async function run(job: TrainingJob): Promise<Ending> {
    const stopped: Ending = { status: 'Stopped', secondary: 'Stopped' }
    const lacksCapacity = knobs.capacityErrorNext > 0
    if (lacksCapacity) knobs.capacityErrorNext--
    const asked = AbortSignal.any([job.stopping.signal, closing])
    await pause(knobs.startMilliseconds, asked)
    if (asked.aborted) return stopped
    if (lacksCapacity)
      return {
        status: 'Failed',
        reason:
          'CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.'
      }
    if (knobs.unknownSecondaryStatus) {
      enter(job, knobs.unknownSecondaryStatus, 'A status that came after this client')
      await pause(knobs.startMilliseconds, asked)
      if (asked.aborted) return stopped
    }
    startClock(job)
    if (job.description.InputDataConfig) enter(job, 'Downloading', 'Downloading input data')
    return knobs.run === 'pretend' ? pretend(job) : train(job)
  }

  async function pretend(job: TrainingJob): Promise<Ending> {
    enterTraining(job)
    job.containerStarts++
    logs.write(streamOf(job, 'algo-1'), `${job.name} pretends to train`)
    const { signal: time, timer } = limit(job)
    await pause(knobs.pretendMilliseconds, AbortSignal.any([job.stopping.signal, closing, time]))
    clearTimeout(timer)
    const ending = endingOf(job, time.aborted, 0, '')
    if (ending.status === 'Stopped' && !job.stopping.signal.aborted) enterStopping(job)
    await upload(job, async () => {
      const { model, output } = await pretendedArchives(ending.status === 'Stopped' ? 143 : 0)
      await s3.put(`${outputUri(job.description)}model.tar.gz`, model)
      await s3.put(`${outputUri(job.description)}output.tar.gz`, output)
    })
    return endingOf(job, time.aborted, 0, '')
  }

  async function train(job: TrainingJob): Promise<Ending> {
    const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-sagemaker-'))
    try {
      const hosts = await makeHosts(folder, job.description, s3)
      if (job.stopping.signal.aborted || closing.aborted)
        return { status: 'Stopped', secondary: 'Stopped' }
      enterTraining(job)
      job.containerStarts++
      const { exitCode, timedOut } = await runContainers(job, hosts)
      const failures = await Promise.all(hosts.map(readFailure))
      if (!closing.aborted)
        await upload(job, () => uploadOutputs(folder, hosts, job.description, s3))
      return endingOf(job, timedOut, exitCode, failures.find(Boolean) ?? '')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async function runContainers(job: TrainingJob, hosts: Host[]) {
    const containers = hosts.map(host => {
      const stream = streamOf(job, host.name)
      return startContainer(job, host, line => logs.write(stream, line))
    })
    const { signal: time, timer } = limit(job)
    const stop = AbortSignal.any([job.stopping.signal, time])
    const kill = () => killAll(containers)
    let grace: NodeJS.Timeout | undefined
    const onStop = () => {
      if (job.description.TrainingJobStatus !== 'Stopping') enterStopping(job)
      for (const container of containers) container.stop()
      grace = setTimeout(kill, knobs.stopGraceSeconds * 1000)
    }
    stop.addEventListener('abort', onStop, { once: true })
    closing.addEventListener('abort', kill, { once: true })
    try {
      const exitCodes = await Promise.all(containers.map(({ ended }) => ended))
      return { exitCode: exitCodes.find(Boolean) ?? 0, timedOut: time.aborted }
    } finally {
      kill()
      clearTimeout(timer)
      clearTimeout(grace)
      stop.removeEventListener('abort', onStop)
      closing.removeEventListener('abort', kill)
    }
  }

  /** A stopping job uploads, too, but goes on being called Stopping. */
  async function upload(job: TrainingJob, put: () => Promise<void>): Promise<void> {
    if (job.description.TrainingJobStatus !== 'Stopping')
      enter(job, 'Uploading', 'Uploading generated training model')
    await pause(knobs.uploadMilliseconds, closing)
    if (!closing.aborted) await put()
  }
}

function enterTraining(job: TrainingJob): void {
  enter(job, 'Training', 'Training image download completed. Training in progress.')
}

/** Aborted when the job's time is over. */
function limit({ description }: TrainingJob) {
  const { MaxRuntimeInSeconds: seconds = 86_400 } = description.StoppingCondition ?? {}
  const over = new AbortController()
  const longestTimer = 2 ** 31 - 1
  const timer = setTimeout(() => over.abort(), Math.min(seconds * 1000, longestTimer))
  return { signal: over.signal, timer }
}

/** The exit code means nothing once a stop was asked for. */
function endingOf(job: TrainingJob, timedOut: boolean, exitCode: number, failure: string): Ending {
  if (job.stopping.signal.aborted) return { status: 'Stopped', secondary: 'Stopped' }
  if (timedOut) return { status: 'Stopped', secondary: 'MaxRuntimeExceeded' }
  if (exitCode === 0) return { status: 'Completed' }
  return {
    status: 'Failed',
    reason: `AlgorithmError: ${failure.slice(0, 1024)}, exit code: ${exitCode}`
  }
}

const streamOf = ({ name }: TrainingJob, host: string) =>
  `${name}/${host}-${Math.floor(Date.now() / 1000)}`

function killAll(containers: Container[]): void {
  for (const container of containers) container.kill()
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {})
}

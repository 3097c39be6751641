/** How a local job is, read from its folder. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { plainFailure } from '../../../contract/plain-failure.ts'
import { logKey, modelKey, outputKey } from '../../storage/index.ts'
import type { Observation } from '../index.ts'
import { isHeld } from './is-held.ts'
import {
  type Claim,
  type ExitFile,
  type JobFolder,
  readJson,
  stoppedBeforeStart
} from './job-folder.ts'
import type { LiveReport } from './live-reports.ts'

export interface Seen {
  /** Its supervisor was started and has not ended. */
  supervised: boolean
  /** What the runtime says of the job meanwhile. */
  report(): Promise<LiveReport | undefined>
}

/** undefined where the job was never started. */
export async function observeJob(
  id: string,
  place: JobFolder,
  { supervised, report }: Seen
): Promise<Observation | undefined> {
  const exit = await readJson<ExitFile>(place.exit)
  const claim = await readJson<Claim>(place.claim)
  if (exit) return ended(id, place, exit, await readSteps(place, claim))
  if (claim?.stoppedBeforeStart) return ended(id, place, stoppedBeforeStart(claim), [])
  if (!claim) return supervised ? { state: 'starting', status: 'Starting' } : undefined
  const orphaned = !isHeld(place.lock)
  if (orphaned && !isHeld(place.runtimeLock)) {
    const late = await readJson<ExitFile>(place.exit)
    const steps = await readSteps(place, claim)
    return late ? ended(id, place, late, steps) : await lost(id, place, claim, await report())
  }
  const program = await readJson<{ at: string }>(place.program)
  const stopping = orphaned || existsSync(place.stop)
  const observation: Observation = {
    state: stopping ? 'stopping' : program ? 'running' : 'starting',
    status: stopping ? 'Stopping' : program ? 'Training' : 'Starting',
    startedAt: claim.at,
    ...tellingOf(await report())
  }
  if (!program && !stopping)
    observation.reason = 'Unpacking the project and preparing its environment.'
  return observation
}

function tellingOf(report: LiveReport | undefined): Pick<Observation, 'run' | 'metrics'> {
  if (!report) return {}
  const { run, metrics } = report
  return run ? { run, metrics } : { metrics }
}

function ended(id: string, place: JobFolder, exit: ExitFile, steps: Steps): Observation {
  const observation: Observation = {
    state: 'ended',
    steps,
    status: statusOf(exit),
    endedAt: exit.endedAt,
    stopped: exit.stopped,
    exitCode: exit.exitCode,
    outputs: [
      { key: modelKey(id), file: place.modelArchive },
      { key: outputKey(id), file: place.outputArchive },
      { key: logKey(id), file: place.log }
    ].filter(({ file }) => existsSync(file))
  }
  if (exit.startedAt) observation.startedAt = exit.startedAt
  if (exit.problem) observation.failure = plainFailure('platform', exit.problem)
  if (exit.excess) {
    const { kind, message } = exit.excess
    observation.failure = plainFailure(kind, message, exit.exitCode)
    observation.certain = true
  }
  if (exit.maxRuntimeSeconds !== undefined) observation.failure = outOfTime(exit)
  return observation
}

/** As SageMaker calls it. */
function statusOf({ stopped, exitCode, maxRuntimeSeconds }: ExitFile): string {
  if (maxRuntimeSeconds !== undefined) return 'MaxRuntimeExceeded'
  if (stopped) return 'Stopped'
  return exitCode === 0 ? 'Completed' : 'Failed'
}

const outOfTime = ({ exitCode, maxRuntimeSeconds }: ExitFile) =>
  plainFailure(
    'timeout',
    `The job was stopped after its longest time of ${maxRuntimeSeconds} s (resources.maxRuntimeSeconds).`,
    exitCode
  )

type Steps = NonNullable<Observation['steps']>

/** A short job may have come through its states between two looks. */
async function readSteps(place: JobFolder, claim: Claim | undefined): Promise<Steps> {
  const program = await readJson<{ at: string }>(place.program)
  return [
    ...(claim ? [{ state: 'starting', at: claim.at } as const] : []),
    ...(program ? [{ state: 'running', at: program.at } as const] : [])
  ]
}

/** The supervisor was killed, or the machine went down. The job is not run again: it may have had effects. */
async function lost(
  id: string,
  place: JobFolder,
  claim: Claim,
  report: LiveReport | undefined
): Promise<Observation> {
  const said = await readFile(join(place.path, 'supervisor.log'), 'utf8').catch(() => '')
  const last = said
    .trim()
    .split('\n')
    .findLast(line => /^\w*Error|unsettled top-level await/.test(line))
  const message = `The job's processes were ended from outside (a restart of the machine, or a kill); it is not run again, since it may have had effects.${last ? ` Its supervisor said: ${last}` : ''}`
  return {
    state: 'ended',
    status: 'Failed',
    startedAt: claim.at,
    endedAt: new Date().toISOString(),
    failure: plainFailure('platform', message),
    outputs: existsSync(place.log) ? [{ key: logKey(id), file: place.log }] : [],
    ...tellingOf(report)
  }
}

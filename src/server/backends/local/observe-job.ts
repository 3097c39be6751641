/** How a local job is, read from its folder. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Failure, type RunReport, runReportFile } from '../../../contract/run-report.ts'
import { tryLock } from '../../../system/lock.ts'
import { logKey, modelKey, outputKey } from '../../storage/index.ts'
import type { Observation } from '../index.ts'
import { type ExitFile, type JobFolder, readJson } from './job-folder.ts'

/** undefined where the job was never started; `supervised`: its supervisor was started and has not ended. */
export async function observeJob(
  id: string,
  place: JobFolder,
  supervised: boolean
): Promise<Observation | undefined> {
  const exit = await readJson<ExitFile>(place.exit)
  if (exit) return ended(id, place, exit)
  const claim = await readJson<{ at: string }>(place.claim)
  if (!claim) return supervised ? { state: 'starting', status: 'Starting' } : undefined
  const orphaned = !isHeld(place.lock)
  if (orphaned && !isHeld(place.runtimeLock)) {
    const late = await readJson<ExitFile>(place.exit)
    return late ? ended(id, place, late) : await lost(id, place, claim)
  }
  const program = await readJson<{ at: string }>(place.program)
  const report = await readReport(place)
  const stopping = orphaned || existsSync(place.stop)
  const observation: Observation = {
    state: stopping ? 'stopping' : program ? 'running' : 'starting',
    status: stopping ? 'Stopping' : program ? 'Training' : 'Starting',
    startedAt: claim.at
  }
  if (!program && !stopping)
    observation.reason = 'Unpacking the project and preparing its environment.'
  if (report?.run) observation.run = report.run
  return observation
}

/** The lock is its holder's for as long as that lives: who can take it knows that it is dead. */
function isHeld(file: string): boolean {
  const lock = tryLock(file)
  lock?.release()
  return !lock
}

function ended(id: string, place: JobFolder, exit: ExitFile): Observation {
  const observation: Observation = {
    state: 'ended',
    status: exit.stopped ? 'Stopped' : exit.exitCode === 0 ? 'Completed' : 'Failed',
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
  return observation
}

/** The supervisor was killed, or the machine went down. The job is not run again: it may have had effects. */
async function lost(id: string, place: JobFolder, claim: { at: string }): Promise<Observation> {
  const said = await readFile(join(place.path, 'supervisor.log'), 'utf8').catch(() => '')
  const failure: Failure = {
    kind: 'platform',
    type: null,
    message: `The job's processes were ended from outside (a restart of the machine, or a kill); it is not run again, since it may have had effects.${said.trim() && ` Its supervisor said: ${said.trim().slice(-500)}`}`,
    file: null,
    line: null,
    traceback: null,
    exitCode: null
  }
  const observation: Observation = {
    state: 'ended',
    status: 'Failed',
    startedAt: claim.at,
    endedAt: new Date().toISOString(),
    failure,
    outputs: existsSync(place.log) ? [{ key: logKey(id), file: place.log }] : []
  }
  const report = await readReport(place)
  if (report?.run) observation.run = report.run
  return observation
}

const readReport = (place: JobFolder) =>
  readJson<RunReport>(join(place.tree.outputData, runReportFile))

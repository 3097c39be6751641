/**
 * A backend as its interface promises, whose jobs do as they are told: it starts a name once, however often it is asked;
 * it may see late, or see what was before, or see nothing; and it remembers what the service must not do.
 */

import { plainFailure } from '../../../src/contract/plain-failure.ts'
import type {
  Backend,
  BackendJob,
  Observation,
  StartOutcome
} from '../../../src/server/backends/index.ts'
import { modelKey } from '../../../src/server/storage/index.ts'

export const ends = ['well', 'badly', 'vanished', 'with a model'] as const
export type End = (typeof ends)[number]
export const looks = ['before', 'unclear', 'absent'] as const
export type Look = (typeof looks)[number]
export const startKinds = ['later', 'later alone', 'failed', 'unseen'] as const
export type StartKind = (typeof startKinds)[number]

interface RemoteJob {
  state: 'starting' | 'running' | 'ended'
  starts: number
  /** Not in any answer yet. */
  unseen: boolean
  stopAsked: boolean
  refusesStop: boolean
  stopped: boolean
  forgotten: boolean
  end: End
  steps: NonNullable<Observation['steps']>
  endedAt?: string
  /** What was last seen. */
  before?: Observation
}

export interface Remote {
  backend: Backend
  /** The job goes one state on: with its stop, if one was asked for. */
  progress(id: string, end: End): void
  refuseStop(id: string): void
  nextLook(id: string, look: Look): void
  nextStart(kind: StartKind): void
  /** Something may have changed. */
  changed(): void
  /** A new process listens in place of the old one. */
  deafen(): void
  /** All can be seen and started, and whatever has begun ends. */
  heal(): void
  get(id: string): RemoteJob | undefined
  /** Whether a start of it was answered with "failed". */
  refused(id: string): boolean
  /** What the service did and must not do, in sentences. */
  offences: string[]
}

const now = () => new Date().toISOString()

export function createRemote(isTerminal: (id: string) => Promise<boolean>): Remote {
  const jobs = new Map<string, RemoteJob>()
  const refused = new Set<string>()
  const planned = new Map<string, Look[]>()
  let startKind: StartKind[] = []
  let listeners: (() => void)[] = []
  const offences: string[] = []

  const alive = (id: string) => {
    const job = jobs.get(id)
    return job?.forgotten ? undefined : job
  }

  async function start({ id }: BackendJob): Promise<StartOutcome> {
    if (await isTerminal(id)) offences.push(`${id} was started after its end`)
    if (alive(id)) return { outcome: 'started' }
    const kind = startKind.shift()
    if (kind === 'later') return { outcome: 'later', reason: 'Waiting for room.' }
    if (kind === 'later alone') return { outcome: 'later', reason: 'It is sought.', alone: true }
    if (kind === 'failed') {
      refused.add(id)
      return { outcome: 'failed', failure: plainFailure('platform', 'It was refused.') }
    }
    const starts = (jobs.get(id)?.starts ?? 0) + 1
    if (starts > 1) offences.push(`${id} was started ${starts} times`)
    jobs.set(id, {
      ...fresh(),
      starts,
      unseen: kind === 'unseen',
      steps: [{ state: 'starting', at: now() }]
    })
    return { outcome: 'started' }
  }

  async function stop(id: string): Promise<void> {
    const job = alive(id)
    if (job) job.stopAsked = true
    else
      jobs.set(id, {
        ...fresh(),
        ...(jobs.get(id) ?? {}),
        forgotten: false,
        state: 'ended',
        stopped: true,
        endedAt: now()
      })
  }

  async function observe(ids: string[]): Promise<Map<string, Observation>> {
    const seen = new Map<string, Observation>()
    for (const id of ids) {
      const look = planned.get(id)?.shift()
      const job = alive(id)
      if (!job || job.unseen || look === 'absent') continue
      if (look === 'unclear')
        seen.set(id, { state: 'unclear', status: 'Unknown', reason: 'Not now.' })
      else if (look === 'before' && job.before) seen.set(id, job.before)
      else seen.set(id, observationOf(id, job))
      job.before = seen.get(id) ?? observationOf(id, job)
    }
    return seen
  }

  async function forget(id: string): Promise<void> {
    const job = alive(id)
    if (!job) return
    if (job.state !== 'ended') offences.push(`${id} was forgotten while it was ${job.state}`)
    if (!(await isTerminal(id))) offences.push(`${id} was forgotten before its end was recorded`)
    job.forgotten = true
  }

  function progress(id: string, end: End): void {
    const job = alive(id)
    if (!job || job.state === 'ended') return
    if (job.state === 'starting' && !job.stopAsked) {
      job.state = 'running'
      job.steps.push({ state: 'running', at: now() })
      return
    }
    job.stopped = job.stopAsked && !job.refusesStop && end !== 'well'
    Object.assign(job, { state: 'ended', end, endedAt: now() })
  }

  const changed = () => {
    for (const listener of listeners) listener()
  }

  return {
    offences,
    progress,
    changed,
    get: id => jobs.get(id),
    refused: id => refused.has(id),
    refuseStop: id => void Object.assign(alive(id) ?? {}, { refusesStop: true }),
    nextLook: (id, look) => void planned.set(id, [...(planned.get(id) ?? []), look]),
    nextStart: kind => void startKind.push(kind),
    deafen() {
      listeners = []
    },
    heal() {
      planned.clear()
      startKind = []
      for (const [id, job] of jobs) {
        job.unseen = false
        progress(id, 'well')
      }
    },
    backend: {
      name: 'sagemaker',
      start,
      stop,
      observe,
      forget,
      kept: async () => [...jobs.keys()].filter(id => alive(id)),
      open() {},
      rest: async () => {},
      check: () => [],
      plan: resources => resources,
      queueOf: () => '',
      log: async () => undefined,
      onChange: listener => void listeners.push(listener),
      pending: () => null,
      trackingUri: () => null,
      close: async () => {}
    }
  }
}

const fresh = (): RemoteJob => ({
  state: 'starting',
  starts: 0,
  unseen: false,
  stopAsked: false,
  refusesStop: false,
  stopped: false,
  forgotten: false,
  end: 'well',
  steps: []
})

function observationOf(id: string, job: RemoteJob): Observation {
  const { state, stopAsked, refusesStop, stopped, steps, endedAt, end } = job
  if (state !== 'ended') {
    const stopping = stopAsked && !refusesStop
    return {
      state: stopping ? 'stopping' : state,
      status: stopping ? 'Stopping' : state,
      ...(refusesStop ? { stopRefused: 'It may not be stopped.' } : {}),
      ...(steps.length > 1
        ? { startedAt: steps[1]?.at ?? '', metrics: { steps: steps.length } }
        : {})
    }
  }
  return {
    state,
    status: 'Ended',
    steps: [...steps],
    stopped,
    ...(endedAt ? { endedAt } : {}),
    ...(end === 'vanished' ? { failure: plainFailure('platform', 'It vanished.') } : {}),
    ...(end === 'badly' ? { exitCode: 1 } : {}),
    ...(end === 'well' || end === 'with a model' ? { exitCode: 0 } : {}),
    ...(end === 'with a model'
      ? { outputs: [{ key: modelKey(id), file: import.meta.filename }] }
      : {})
  }
}

/**
 * The real jobs, with their loop and their sweeper, over a real store and a remote that does as it is told; what is true
 * of every job at every moment is checked after each command.
 */
import { isDeepStrictEqual } from 'node:util'
import { createDisk } from '../../../src/server/disk.ts'
import { createJobs, type Jobs } from '../../../src/server/jobs/index.ts'
import { isTerminal, type JobRecord } from '../../../src/server/jobs/job.ts'
import { watchStore } from '../../../src/server/jobs/job-changes.ts'
import { defaultLimits } from '../../../src/server/projects/project-limits.ts'
import { projectKey } from '../../../src/server/storage/index.ts'
import type { Store } from '../../../src/server/store/index.ts'
import { noTenantLimits } from '../../../src/server/tenant-limits.ts'
import { aJob, idOf } from '../job-record.ts'
import type { Clock } from './clock.ts'
import { type Caller, createFaults, type FaultKind, Injected } from './faults.ts'
import { createMemoryStorage } from './memory-storage.ts'
import { createRemote, type End, type Look, type Remote, type StartKind } from './remote.ts'

export interface World {
  remote: Pick<Remote, 'refuseStop'>
  submit(): void
  stop(nth: number): void
  remove(nth: number): void
  progress(nth: number, end: End): void
  refuseStop(nth: number): void
  nextLook(nth: number, look: Look): void
  nextStart(kind: StartKind): void
  nextCall(site: string, kind: FaultKind): void
  release(nth: number): void
  /** Time passes, and the loop takes a turn. */
  pass(milliseconds: number): void
  jump(milliseconds: number): void
  /** The process dies, and another one begins. */
  crash(): void
  /** Waits until nothing moves any more, and throws where something is as it must not be. */
  check(): Promise<void>
  /** All heals; then every job has ended, and nothing is left. */
  end(): Promise<void>
}

const storeMethods = [
  'insert',
  'get',
  'list',
  'oldest',
  'save',
  'remove',
  'requestStop',
  'forgetKeys'
] as const
const storageMethods = ['stat', 'put', 'remove'] as const
const backendMethods = ['start', 'observe', 'stop', 'forget', 'kept'] as const
export const sites = [
  ...storeMethods.map(method => `store.${method}`),
  ...storageMethods.map(method => `storage.${method}`),
  ...backendMethods.map(method => `backend.${method}`)
]

const keepMilliseconds = 30 * 24 * 60 * 60 * 1000
/** More than the loop's pause after a failed start. */
const patienceMilliseconds = 11_000
const rounds = 12

let made = 0

/** `store` is empty, and is again after `end`. */
export function createWorld(store: Store, clock: Clock): World {
  const faults = createFaults()
  const storage = createMemoryStorage()
  const remote = createRemote(async id => {
    const job = await store.get(id)
    return !job || isTerminal(job.status)
  })
  const ids: string[] = []
  /** As they were last seen. */
  const known = new Map<string, JobRecord>()
  /** When a job was first seen to have ended, by the wall clock. */
  const endSeenAt = new Map<string, number>()
  /** They were there for as long as jobs are kept; the clock may have been set back since. */
  const old = new Set<string>()
  const acknowledged = new Set<string>()
  const removing = new Set<string>()
  /** They were there, and may be acknowledged late. */
  const gone = new Set<string>()
  const broken: string[] = []
  let caller: Caller = { dead: true }
  let jobs: Jobs
  let front: Store

  function begin(): void {
    caller = { dead: false }
    const me = caller
    front = faults.between(me, 'store', store, storeMethods)
    remote.deafen()
    jobs = createJobs({
      store: watchStore(front),
      storage: faults.between(me, 'storage', storage, storageMethods),
      backend: faults.between(me, 'backend', remote.backend, backendMethods),
      limitsOf: () => noTenantLimits,
      keep: {
        jobMilliseconds: keepMilliseconds,
        jobBytes: Infinity,
        projectMilliseconds: Infinity,
        projectBytes: Infinity
      },
      submit: {
        folder: '/nowhere',
        room: createDisk('/nowhere', 0).room,
        limits: defaultLimits,
        queuedJobs: Infinity
      },
      loop: {
        folder: '/nowhere',
        intervalMilliseconds: 2 ** 30,
        log: {
          info() {},
          error: data => {
            const { err } = data as { err?: Error }
            if (!me.dead && err?.name !== 'Injected') broken.push(`the loop failed: ${err?.stack}`)
          }
        }
      }
    })
    jobs.start()
  }

  function crash(): void {
    caller.dead = true
    // Its timers must not outlive it; nothing of what it does is heard of any more.
    void jobs.close()
    begin()
  }

  /** What a request's handler would do; its answer is an error of the catalogue, or of what failed. */
  function request(act: () => Promise<unknown>, done: () => void): void {
    const me = caller
    act().then(done, error => {
      if (!(error instanceof Injected || error.statusCode < 500) && !me.dead)
        broken.push(`a request failed: ${error.stack}`)
    })
  }

  const nth = (number: number, act: (id: string) => void) => {
    const id = ids[number % Math.max(1, ids.length)]
    if (id !== undefined) act(id)
  }

  async function settle(): Promise<void> {
    for (let before = -1; before !== faults.calls(); ) {
      before = faults.calls()
      for (let n = 0; n < 3; n++) await new Promise(resolve => setImmediate(resolve))
    }
  }

  async function check(): Promise<void> {
    await settle()
    const found = new Map((await store.list({ limit: 1000 })).map(job => [job.id, job]))
    for (const id of ids) {
      const [before, now] = [known.get(id), found.get(id)]
      if (now) broken.push(...faultsOf(now, before, remote))
      else if (before) broken.push(...vanished(before, removing.has(id) || old.has(id)))
      else if (acknowledged.has(id) && !gone.has(id))
        broken.push(`${id} was acknowledged, and is lost`)
      if (now) note(now)
      else if (known.delete(id)) gone.add(id)
    }
    broken.push(...remote.offences)
    if (broken.length > 0) throw new Error(broken.join('\n'))
  }

  function note(job: JobRecord): void {
    known.set(job.id, job)
    if (!isTerminal(job.status)) return
    const seenAt = endSeenAt.get(job.id) ?? Date.now()
    endSeenAt.set(job.id, seenAt)
    if (Date.now() - seenAt > keepMilliseconds) old.add(job.id)
  }

  async function end(): Promise<void> {
    faults.heal()
    const open = () => [...known.values()].filter(({ status }) => !isTerminal(status))
    for (let round = 0; round === 0 || (round < rounds && open().length > 0); round++) {
      clock.pass(patienceMilliseconds)
      remote.heal()
      remote.changed()
      await check()
    }
    for (const { id, status, statusReason } of open())
      broken.push(`${id} never ended: ${status}, ${statusReason}`)
    // What could not be forgotten then is forgotten at the next start.
    crash()
    await check()
    for (const id of await remote.backend.kept()) broken.push(`${id} is left at the backend`)
    for (const key of storage.keys())
      if (key.startsWith('jobs/') && !known.has(key.split('/')[1] ?? ''))
        broken.push(`${key} is left in the storage`)
    if (broken.length > 0) throw new Error(broken.join('\n'))
  }

  void storage.put(projectKey({ tenant: 'default', digest: aJob().project.digest }), '')
  begin()
  return {
    remote,
    submit() {
      const createdAt = new Date().toISOString()
      const id = idOf(createdAt, String(made++))
      const transitions = [{ status: 'queued', reason: null, at: createdAt } as const]
      ids.push(id)
      request(
        () => front.insert(aJob({ id, createdAt, transitions: [...transitions] })),
        () => acknowledged.add(id)
      )
      remote.changed()
    },
    stop: number =>
      nth(number, id =>
        request(
          () => jobs.of('default').stop(id),
          () => {}
        )
      ),
    remove: number =>
      nth(number, id => {
        removing.add(id)
        request(
          () => jobs.of('default').remove(id),
          () => {}
        )
      }),
    progress(number, how) {
      nth(number, id => remote.progress(id, how))
      remote.changed()
    },
    refuseStop: number => nth(number, remote.refuseStop),
    nextLook: (number, look) => nth(number, id => remote.nextLook(id, look)),
    nextStart: remote.nextStart,
    nextCall: faults.next,
    release: faults.release,
    pass(milliseconds) {
      clock.pass(milliseconds)
      remote.changed()
    },
    jump: clock.jump,
    crash,
    check,
    async end() {
      try {
        await end()
      } finally {
        caller.dead = true
        void jobs.close()
        await settle()
        for (const id of ids) await store.remove(id)
      }
    }
  }
}

const order = ['queued', 'starting', 'running', 'stopping', 'ended']
const orderOf = ({ status }: Pick<JobRecord, 'status'>) =>
  isTerminal(status) ? 4 : order.indexOf(status)

/** What is wrong with a record, by itself and after what it was before. */
function faultsOf(job: JobRecord, before: JobRecord | undefined, remote: Remote): string[] {
  const { id, status, transitions, endedAt, failure } = job
  const faults: string[] = []
  const must = (holds: boolean, what: string) => {
    if (!holds) faults.push(`${id} ${what}: ${JSON.stringify({ before, job })}`)
  }
  if (before) {
    must(job.version >= before.version, 'has an older version')
    must(orderOf(job) >= orderOf(before), 'went backwards')
    must(job.version > before.version || isDeepStrictEqual(job, before), 'changed in secret')
    must(!isTerminal(before.status) || isDeepStrictEqual(job, before), 'changed after its end')
    must(
      isDeepStrictEqual(transitions.slice(0, before.transitions.length), before.transitions),
      'has another past'
    )
    must(!before.stopRequestedAt || job.stopRequestedAt !== null, 'forgot its stop')
  }
  must(transitions.at(-1)?.status === status, 'is not what its last transition says')
  must(transitions[0]?.status === 'queued', 'did not begin as queued')
  for (const [n, step] of transitions.entries()) {
    const last = transitions[n - 1]
    must(!last || orderOf(step) > orderOf(last), 'has transitions that go backwards')
    must(!last || step.at >= last.at, 'has transitions whose times go backwards')
  }
  must(isTerminal(status) === (endedAt !== null), 'has an end, or none, unlike its status')
  must((failure !== null) === (status === 'failed' || status === 'stopped'), 'has a wrong failure')
  if (isTerminal(status)) must(isTrue(job, remote), 'ended unlike what happened')
  return faults
}

function isTrue({ id, status }: JobRecord, remote: Remote): boolean {
  const there = remote.get(id)
  if (!there) return status === 'failed' && remote.refused(id)
  if (there.state !== 'ended') return false
  if (status === 'stopped') return there.stopped
  const well = there.end === 'well' || there.end === 'with a model'
  return !there.stopped && there.starts === 1 && (status === 'succeeded') === well
}

function vanished({ id, status }: JobRecord, mayGo: boolean): string[] {
  if (!isTerminal(status)) return [`${id} was ${status}, and is gone`]
  return mayGo ? [] : [`${id} is gone, and nobody asked for it`]
}

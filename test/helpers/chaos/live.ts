/** What callers do with jobs: submit them or run them again, look at them, stop and delete some. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '../../../src/server/routes/schemas.ts'
import { form } from '../project.ts'
import { type Asking, ask } from './ask.ts'
import type { History, Promised } from './history.ts'
import type { Chance } from './random.ts'

export interface Caller {
  name: string
  /** Stops what it has just submitted, and deletes it; others are patient. */
  hasty: boolean
  chance: Chance
}

export interface World {
  history: History
  asking: Asking
  /** No further jobs. */
  closing: AbortSignal
  /** The project's archive; with a number, one of its own. */
  project(own?: number): Promise<Blob>
  parameters: object
  /** An input that is not there, where there are inputs. */
  missingInput?: string
  /** Jobs that have ended and whose callers are done with them. */
  spare: Promised[]
  /** A kill waits for something to be deleted. */
  isDeletionWanted(): boolean
}

const lookMilliseconds = 250
const spareJobs = 5

/** One job after the other; ends with the one that it has begun. */
export async function live(caller: Caller, world: World): Promise<void> {
  const mine: Promised[] = []
  for (let n = 0; !world.closing.aborted; n++) {
    const job = await begin(caller, n, mine, world)
    await useJob(job, caller, world)
    if (job.deleted) continue
    if (caller.chance.happens(0.5)) mine.push(job)
    else world.spare.push(job)
  }
}

/** Deletes jobs that their callers are done with: at once where that is waited for, else when they are many. */
export async function tidy(world: World): Promise<void> {
  while (!world.closing.aborted) {
    const isTime = world.isDeletionWanted() || world.spare.length > spareJobs
    const job = isTime ? world.spare.shift() : undefined
    if (job) await remove(job, world)
    else await sleep(lookMilliseconds)
  }
}

async function useJob(job: Promised, caller: Caller, world: World): Promise<void> {
  const { chance, hasty } = caller
  if (chance.happens(hasty ? 0.8 : 0.15)) {
    await sleep(chance.next() * (hasty ? 800 : 5000))
    if (chance.happens(0.5)) await until(job, begun, world)
    await stop(job, world)
  }
  await until(job, ended, world)
  if (chance.happens(hasty ? 0.5 : 0.1)) await remove(job, world)
}

async function begin(
  { name, hasty, chance }: Caller,
  n: number,
  mine: Promised[],
  world: World
): Promise<Promised> {
  const key = `${name}-${n}`
  const earlier = chance.happens(0.2) ? chance.pick(mine.filter(job => !job.deleted)) : undefined
  if (earlier) {
    const body = JSON.stringify({ name: key })
    const request = () => ({ body, headers: { 'content-type': 'application/json' } })
    const rerun = await promise(`/jobs/${earlier.id}/rerun`, key, request, earlier.hopeless, world)
    const { again } = rerun
    // A job that is gone cannot be run again.
    rerun.again = async by => (earlier.deleted ? undefined : again(by))
    return rerun
  }
  const hopeless = world.missingInput !== undefined && chance.happens(0.05)
  const fields = {
    name: key,
    project: await world.project(hasty ? Number(`${name.replace(/\D/g, '')}${n}`) : undefined),
    parameters: world.parameters,
    ...(hopeless ? { inputs: { train: world.missingInput } } : {})
  }
  return promise('/jobs', key, () => ({ body: form(fields) }), hopeless, world)
}

async function promise(
  path: string,
  key: string,
  request: () => RequestInit,
  hopeless: boolean,
  { asking, history }: World
): Promise<Promised> {
  const send = async (by: Asking) => {
    const { status, text } = await ask(by, path, () => {
      const { headers, ...rest } = request()
      return { ...rest, method: 'POST', headers: { ...headers, 'idempotency-key': key } }
    })
    if (status !== 202) throw new Error(`POST ${path}: ${status} ${text}`)
    return JSON.parse(text) as Job
  }
  const seen = await send(asking)
  const again = async (by: Asking) => (await send(by)).id
  const flags = { hopeless, stopped: false, deleted: false }
  const promised: Promised = { id: seen.id, seen, again, ...flags }
  if (history.promised.has(seen.id)) history.lost.push(`${seen.id} stands for two submissions`)
  history.promised.set(seen.id, promised)
  return promised
}

async function stop(job: Promised, { asking, history }: World): Promise<void> {
  const path = `/jobs/${job.id}/stop`
  job.stopped = true
  const { status, text } = await ask(asking, path, () => ({ method: 'POST' }))
  if (status === 404) history.lost.push(`${job.id} is not there to be stopped`)
  else if (status >= 300) history.broken.push(`POST ${path}: ${status} ${text}`)
  else history.note(JSON.parse(text) as Job)
}

const begun = ({ status }: Job) => status !== 'queued'
const ended = ({ terminal }: Job) => terminal

async function until(
  { id }: Promised,
  isSo: (job: Job) => boolean,
  { asking, history }: World
): Promise<void> {
  for (;;) {
    const { status, text } = await ask(asking, `/jobs/${id}`)
    if (status === 404) return void history.lost.push(`${id} is not there`)
    const job = JSON.parse(text) as Job
    history.note(job)
    if (isSo(job)) return
    await sleep(lookMilliseconds)
  }
}

async function remove(job: Promised, { asking, history }: World): Promise<void> {
  const path = `/jobs/${job.id}`
  job.deleted = true
  const { status, text, before } = await ask(asking, path, () => ({ method: 'DELETE' }))
  const isDone = status === 204 || (status === 404 && before > 0)
  if (!isDone) history.broken.push(`DELETE ${path}: ${status} ${text}`)
}

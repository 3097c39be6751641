/** What the service has promised and said, and what of it does not hold. */
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../../../src/server/routes/schemas.ts'
import type { Asking } from './ask.ts'

/** Each a sentence; none is what is wanted. */
export interface Faults {
  lost: string[]
  doubled: string[]
  stuck: string[]
  broken: string[]
}

/** A job whose submission was answered by 202. */
export interface Promised {
  id: string
  /** Sends the same once more, with the same key; answers the id that it leads to, where it can be sent. */
  again(asking: Asking): Promise<string | undefined>
  /** Its input is not there: it is to fail, and never to begin. */
  hopeless: boolean
  stopped: boolean
  deleted: boolean
  /** As it was seen last. */
  seen: Job
}

export interface History extends Faults {
  promised: Map<string, Promised>
  /** When a job moved last (performance.now). */
  movedAt: number
  /** The job as it was just answered. */
  note(job: Job): void
}

export function createHistory(): History {
  const history: History = {
    lost: [],
    doubled: [],
    stuck: [],
    broken: [],
    promised: new Map(),
    movedAt: performance.now(),
    note(job) {
      const promised = history.promised.get(job.id)
      if (!promised) return
      history.broken.push(...backwards(job), ...changedPast(promised.seen, job))
      if (job.status !== promised.seen.status) history.movedAt = performance.now()
      promised.seen = job
    }
  }
  return history
}

const order = ['queued', 'starting', 'running', 'stopping', 'succeeded', 'failed', 'stopped']
const firstTerminal = order.indexOf('succeeded')
const rank = (status: string) => Math.min(order.indexOf(status), firstTerminal)

function backwards({ id, transitions }: Job): string[] {
  const isForward = transitions.every(({ status, at }, n) => {
    const before = transitions[n - 1]
    return !before || (rank(status) > rank(before.status) && at >= before.at)
  })
  const way = transitions.map(({ status, at }) => `${status} ${at}`).join(', ')
  return isForward ? [] : [`${id} went ${way}`]
}

/** What has been is still there, and what has ended is as it was. */
function changedPast(before: Job, now: Job): string[] {
  const { id } = now
  if (!isDeepStrictEqual(now.transitions.slice(0, before.transitions.length), before.transitions))
    return [`${id} was ${before.status}, and is ${now.status} now with another past`]
  if (before.terminal && !isDeepStrictEqual(now, before))
    return [`${id} had ended, and is another now: ${JSON.stringify(before)} ${JSON.stringify(now)}`]
  return []
}

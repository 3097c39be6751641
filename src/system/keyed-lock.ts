/** One at a time for each key, in the order of asking; different keys do not wait for each other. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface KeyedLock {
  /** Throws what `busy` makes when the key is still taken after so many milliseconds. */
  run<Result>(
    key: string,
    act: () => Promise<Result>,
    patience?: { milliseconds: number; busy(): Error }
  ): Promise<Result>
}

export function createKeyedLock(): KeyedLock {
  /** The end of the last one in each queue. */
  const queues = new Map<string, Promise<void>>()

  return {
    async run(key, act, patience) {
      const before = queues.get(key) ?? Promise.resolve()
      const { promise: done, resolve: end } = Promise.withResolvers<void>()
      const queue = before.then(() => done)
      queues.set(key, queue)
      try {
        if (!(await inTime(before, patience?.milliseconds)) && patience) throw patience.busy()
        return await act()
      } finally {
        end()
        if (queues.get(key) === queue) queues.delete(key)
      }
    }
  }
}

async function inTime(turn: Promise<void>, milliseconds: number | undefined): Promise<boolean> {
  if (milliseconds === undefined) return turn.then(() => true)
  const ended = new AbortController()
  const late = sleep(milliseconds, false, { signal: ended.signal }).catch(() => false)
  try {
    return await Promise.race([turn.then(() => true), late])
  } finally {
    ended.abort()
  }
}

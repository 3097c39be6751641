/**
 * Whoever stores a project, or removes it because nobody needs it, is alone with it. Who names one that is there holds
 * it meanwhile: it is not removed under their hands. Known in this process only.
 */
import { createKeyedLock } from '../../system/keyed-lock.ts'

export interface ProjectLock {
  /** One at a time for each project’s key. */
  alone<Result>(key: string, act: () => Promise<Result>): Promise<Result>
  /** Many at once; begins when nobody is alone with it. */
  hold<Result>(key: string, act: () => Promise<Result>): Promise<Result>
  /** To be asked by who is alone with it. */
  isHeld(key: string): boolean
}

export function createProjectLock(): ProjectLock {
  const lock = createKeyedLock()
  const holders = new Map<string, number>()

  function count(key: string, change: number): void {
    const number = (holders.get(key) ?? 0) + change
    if (number > 0) holders.set(key, number)
    else holders.delete(key)
  }

  return {
    alone: (key, act) => lock.run(key, act),
    isHeld: key => holders.has(key),

    async hold(key, act) {
      await lock.run(key, async () => count(key, 1))
      try {
        return await act()
      } finally {
        count(key, -1)
      }
    }
  }
}

/** When to ask for a job's streams again. The call is throttled early, and streams are new only at a start. */
export interface Lookout {
  isDue(knownStreams: number): boolean
}

/** Often at first, then seldom: until all hosts print, every few polls; afterwards spot restarts are found within 30. */
export function createLookout(hosts: number, pollMilliseconds: number): Lookout {
  const impatient = 5 * pollMilliseconds
  const calm = 30 * pollMilliseconds
  let wait = pollMilliseconds
  let dueAt = 0
  return {
    isDue(knownStreams) {
      const now = performance.now()
      if (now < dueAt) return false
      dueAt = now + (knownStreams < hosts ? wait : calm)
      wait = Math.min(wait * 2, impatient)
      return true
    }
  }
}

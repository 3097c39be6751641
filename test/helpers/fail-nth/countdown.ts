/** Counts what an operation does while it is armed, and says which of it is to fail, and in which way. */

export interface Armed<Way> {
  /** From now on it counts; the n-th fails so. */
  arm(nth: number, way: Way): void
  /** It counts no more. Answers how many there were, and which one failed first; undefined where none did. */
  disarm(): { count: number; failed: string | undefined }
}

export interface Countdown<Way> extends Armed<Way> {
  /** Counts one more. Answers how it is to fail, if it is. */
  next(): Way | undefined
  /** It has failed indeed. */
  note(site: string): void
}

/** `lasts`: how many fail, from the n-th on. */
export function createCountdown<Way>(lasts: (way: Way) => number = () => 1): Countdown<Way> {
  let plan: { nth: number; way: Way } | undefined
  let count = 0
  let failed: string | undefined
  return {
    arm(nth, way) {
      plan = { nth, way }
      count = 0
      failed = undefined
    },
    disarm() {
      plan = undefined
      return { count, failed }
    },
    next() {
      if (!plan) return undefined
      count++
      const { nth, way } = plan
      return count >= nth && count < nth + lasts(way) ? way : undefined
    },
    note(site) {
      failed ??= site
    }
  }
}

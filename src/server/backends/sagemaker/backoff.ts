/** How long to leave a service alone that refused: twice as long each time, with jitter, until it answers again. */

export interface Backoff {
  /** Milliseconds until the next try; 0: now. */
  wait(): number
  failed(): void
  succeeded(): void
}

export interface BackoffOptions {
  firstMilliseconds: number
  mostMilliseconds: number
  now?: () => number
  random?: () => number
}

export function createBackoff({
  firstMilliseconds,
  mostMilliseconds,
  now = Date.now,
  random = Math.random
}: BackoffOptions): Backoff {
  let failures = 0
  let until = 0
  return {
    wait: () => Math.max(0, until - now()),
    failed() {
      const longest = Math.min(mostMilliseconds, firstMilliseconds * 2 ** failures++)
      until = now() + longest * (0.5 + random() / 2)
    },
    succeeded() {
      failures = 0
      until = 0
    }
  }
}

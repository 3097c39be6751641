/** A fault of the service's, in place of its work or after it. */
export interface Failure {
  status: 408 | 500 | 503
  after?: true
}

/** What can be changed of the emulator while it runs. */
export interface Knobs {
  /** Instances of a type in use at once; more is ResourceLimitExceeded. A type without an entry has no limit. */
  quota: Record<string, number>
  /** The probability that a call is answered by ThrottlingException. */
  throttle: number
  /** Operation -> so many of its next calls are throttled. */
  throttleNext: Record<string, number>
  /** The probability that a call is answered by 500 or 503, half of them after the work was done. */
  fail: number
  /** Operation -> how its next calls fail. */
  failNext: Record<string, Failure[]>
  /** Operations that the caller may not call. */
  denied: string[]
  /** The probability that a training job is made and the connection then cut without an answer. */
  lostAnswers: number
  /** So many of the next answers of CreateTrainingJob are lost. */
  loseNext: number
  /** So long after its connection was cut a training job is made whose answer is lost; what refuses it then, nobody hears. */
  lateMilliseconds: number
  latencyMilliseconds: number
  /** Lists and logs come with empty pages in between. */
  emptyPages: boolean
  /** So long a new training job is missing in lists. */
  listDelayMilliseconds: number
  /** DescribeTrainingJob tells how a job was so long ago, at the earliest as it was made. */
  staleMilliseconds: number
  /** Whose credentials calls come with: training jobs of other accounts are not seen. */
  account: string
  /** So many of the next training jobs get no instances. */
  capacityErrorNext: number
  /** From SIGTERM to SIGKILL. */
  stopGraceSeconds: number
  startMilliseconds: number
  uploadMilliseconds: number
  /** A status that no client knows, between Starting and what comes next. */
  unknownSecondaryStatus?: string
  /** pretend: no process; a job waits for pretendMilliseconds and leaves a small model and a run report. */
  run: 'runtime' | 'pretend'
  pretendMilliseconds: number
  /** Of what is left to chance; read when the emulator starts. */
  seed: number
}

export const defaultKnobs = (): Knobs => ({
  quota: {},
  throttle: 0,
  throttleNext: {},
  fail: 0,
  failNext: {},
  denied: [],
  lostAnswers: 0,
  loseNext: 0,
  lateMilliseconds: 0,
  latencyMilliseconds: 0,
  emptyPages: false,
  listDelayMilliseconds: 0,
  staleMilliseconds: 0,
  account: '123456789012',
  capacityErrorNext: 0,
  stopGraceSeconds: 120,
  startMilliseconds: 20,
  uploadMilliseconds: 20,
  run: 'runtime',
  pretendMilliseconds: 100,
  seed: 1
})

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

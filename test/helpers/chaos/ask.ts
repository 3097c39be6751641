/** Asks the service until it answers, as a client does that has to know: its requests are cut off by kills. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Answer {
  status: number
  text: string
  /** How often it was asked before, without an answer that says anything. */
  before: number
}

export interface Asking {
  /** Of one of the services. */
  url(): string
  /** Nobody waits any longer. */
  over: AbortSignal
  /** Hears of answers that must not be. */
  onBroken(text: string): void
}

const answerMilliseconds = 30_000
const pauseMilliseconds = 100

/** `request` is made anew for each attempt. Throws when nobody waits any longer. */
export async function ask(
  { url, over, onBroken }: Asking,
  path: string,
  request: () => RequestInit = () => ({})
): Promise<Answer> {
  for (let before = 0; ; before++) {
    over.throwIfAborted()
    try {
      const signal = AbortSignal.timeout(answerMilliseconds)
      const response = await fetch(`${url()}${path}`, { ...request(), signal })
      const text = await response.text()
      if (!isForNow(response.status, text)) {
        if (response.status < 500) return { status: response.status, text, before }
        onBroken(`${request().method ?? 'GET'} ${path}: ${response.status} ${text}`)
      }
    } catch {
      // It was killed before it answered: nothing was promised.
    }
    await sleep(pauseMilliseconds)
  }
}

const isForNow = (status: number, text: string) =>
  status === 429 || status === 503 || (status === 409 && text.includes('IDEMPOTENCY_KEY_IN_USE'))

/** Reading calls that are tried again where the service is busy or away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { meaningOf } from './errors.ts'

const tries = 4
const firstMilliseconds = 500

/** Only for calls that may be made twice. Throws the last error. */
export async function callPatiently<Answer>(
  call: () => Promise<Answer>,
  signal: AbortSignal
): Promise<Answer> {
  for (let n = 0; ; n++) {
    try {
      return await call()
    } catch (error) {
      if (n + 1 >= tries || signal.aborted || !passing.includes(meaningOf(error))) throw error
      await sleep(firstMilliseconds * 2 ** n * (0.5 + Math.random() / 2), undefined, { signal })
    }
  }
}

const passing = ['throttled', 'unknown']

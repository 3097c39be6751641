/** A part of the service whose calls are counted and timed; everything else of it is as it was. */
import type { Metrics } from './index.ts'

type Part = 'store' | 'storage' | 'backend'
type Call = (...values: unknown[]) => unknown

/** Of a call that answers at once, such as the name of a queue, nothing is noted. */
export function countCalls<Parts extends object>(
  parts: Parts,
  part: Part,
  metrics: Pick<Metrics, 'calls' | 'callDuration'>
): Parts {
  const counted = Object.entries(parts).map(([operation, value]) => [
    operation,
    typeof value === 'function' && !waits.has(operation) ? count(value as Call, operation) : value
  ])
  return { ...parts, ...Object.fromEntries(counted) }

  function count(call: Call, operation: string): Call {
    return (...values) => {
      const begun = performance.now()
      const answer = call.apply(parts, values)
      if (answer instanceof Promise)
        answer.then(
          () => note(operation, 'ok', begun),
          () => note(operation, 'failed', begun)
        )
      return answer
    }
  }

  function note(operation: string, outcome: 'ok' | 'failed', begun: number): void {
    metrics.calls.inc({ part, operation, outcome })
    metrics.callDuration.observe({ part }, (performance.now() - begun) / 1000)
  }
}

/** They take as long as they have to: their time says nothing. */
const waits = new Set(['lead'])

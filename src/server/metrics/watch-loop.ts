/** The loop that moves jobs on, as its metrics see it. */
import type { LoopWatch } from '../jobs/loop.ts'
import type { Metrics } from './index.ts'

export function watchLoop(metrics: Metrics): LoopWatch {
  // Their first increase is to be seen as one.
  metrics.turns.inc({ outcome: 'failed' }, 0)
  metrics.transitions.inc({ status: 'failed', failure: 'platform' }, 0)
  return {
    turned(seconds, outcome) {
      metrics.turns.inc({ outcome })
      metrics.turnDuration.observe(seconds)
      if (outcome === 'ok') metrics.lastGoodTurn.setToCurrentTime()
    },
    moved({ createdAt }, status, failure = 'none') {
      metrics.transitions.inc({ status, failure })
      if (status === 'starting')
        metrics.queueWait.observe((Date.now() - Date.parse(createdAt)) / 1000)
    },
    stumbled: () => metrics.stumbles.inc()
  }
}

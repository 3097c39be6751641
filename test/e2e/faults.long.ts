/** In short what npm run faults does at length. */
import t, { type Test } from 'tap'
import { failCalls } from '../helpers/fail-nth/fail-calls.ts'
import { createResult, type FaultsResult } from '../helpers/fail-nth/result.ts'
import { failSystemCalls } from '../helpers/fail-nth/system/index.ts'
import { noStrace } from '../helpers/strace.ts'

function isClean(t: Test, { undocumented, unhandled, leaks }: FaultsResult) {
  t.same(undocumented, [])
  t.same(unhandled, [])
  t.same(leaks, [])
}

t.test(
  'whichever call of a deletion fails, it can be asked for again, and leaves nothing',
  async t => {
    const result = createResult()
    await failCalls(result, { only: ['delete'] })
    isClean(t, result)
    t.ok(result.failures >= 16, `${result.failures} failures`)
  }
)

t.test(
  'whichever system call of a submission fails, it can be sent again, and leaves nothing',
  { skip: noStrace },
  async t => {
    const result = createResult()
    await failSystemCalls(result, { only: ['submit'], sample: { seed: 1, count: 12 } })
    isClean(t, result)
    t.ok(result.failures >= 6, `${result.failures} failures`)
  }
)

/** Every call of store, storage and backend fails. */
import { failOperations } from './fail-operations.ts'
import { failures } from './nth-call.ts'
import type { FaultsResult } from './result.ts'
import type { Sample } from './sample.ts'
import { createStage } from './stage.ts'

export const failCalls = (
  result: FaultsResult,
  options: { only?: string[]; sample?: Sample } = {}
): Promise<void> =>
  failOperations(result, {
    ways: failures,
    ...options,
    async open() {
      const stage = await createStage()
      const { arm, disarm } = stage.calls
      return { stage, arm, disarm, close() {} }
    }
  })

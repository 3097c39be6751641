/** The service on PostgreSQL, of whose queries one after the other fails; then it is restarted, and asked once more. */
import { createPostgresStore } from '../../../../src/server/store/postgres.ts'
import { startPostgres } from '../../postgres.ts'
import { failOperations } from '../fail-operations.ts'
import type { FaultsResult } from '../result.ts'
import type { Sample } from '../sample.ts'
import { createStage } from '../stage.ts'
import { createSqlProxy, type SqlProxy, ways } from './proxy.ts'

/** Short: after a failure nobody waits long for the next term, nor for a server that says nothing. */
const times = { leaseMilliseconds: 400, silenceMilliseconds: 1500 }

export async function failQueries(
  result: FaultsResult,
  { only, sample }: { only?: string[]; sample?: Sample } = {}
): Promise<void> {
  const postgres = await startPostgres()
  try {
    await failOperations(result, {
      ways,
      ...(only ? { only } : {}),
      ...(sample ? { sample } : {}),
      async open() {
        const url = await postgres.makeDatabase()
        const proxy = await createSqlProxy(url)
        const open = (url: string) => createPostgresStore({ url, ...times, onProblem() {} })
        const stage = await createStage({ used: await open(proxy.url), direct: await open(url) })
        return { stage, ...armOf(proxy), close: () => proxy.close() }
      }
    })
  } finally {
    await postgres.remove()
  }
}

const armOf = ({ arm, disarm }: SqlProxy) => ({ arm, disarm })

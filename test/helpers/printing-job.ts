/** A local job that has begun: the test is its program. */
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Claim,
  type ExitFile,
  jobFolder,
  makeFolders,
  writeJson
} from '../../src/server/backends/local/job-folder.ts'
import type { Store } from '../../src/server/store/index.ts'
import { aJob } from './job-record.ts'

export async function printingJob({ store, dataDir }: { store: Store; dataDir: string }) {
  const id = 'job-a'
  const at = '2026-01-02T03:04:06.000Z'
  const place = jobFolder(join(dataDir, 'jobs', id, 'local'))
  await makeFolders(place)
  await store.insert(aJob({ id, status: 'running' }))
  return {
    id,
    file: place.log,
    print: (text: string | Buffer) => appendFile(place.log, text),
    /** From now on the loop will see it as ended. */
    async exit(exitCode = 0) {
      const claim: Claim = { at }
      const exit: ExitFile = { exitCode, stopped: false, startedAt: at, endedAt: at }
      await writeJson(place.claim, claim)
      await writeJson(place.exit, exit)
    }
  }
}

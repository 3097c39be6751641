/** A data folder whose database holds jobs that have ended: what a service has after months. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ulid } from 'ulid'
import type { JobRecord } from '../src/server/jobs/job.ts'
import { openSqlite } from '../src/server/store/node-sqlite.ts'
import { createStore } from '../src/server/store/sql.ts'
import { aJob } from '../test/helpers/job-record.ts'

const statuses = ['succeeded', 'succeeded', 'failed', 'stopped'] as const
const teams = 50
const firstMilliseconds = Date.UTC(2026, 0, 1)
const minuteMilliseconds = 60_000
/** Each is a transaction of its own. */
const jobsAtOnce = 1000

/** Of the job that is the n-th, from 0. */
export const createdAt = (n: number): string =>
  new Date(firstMilliseconds + n * minuteMilliseconds).toISOString()

/** A job a minute; one of 50 has the tag `team=team-0`. Answers the newest one's id. */
export async function fillStore(dataDir: string, count: number): Promise<string> {
  await mkdir(dataDir, { recursive: true })
  const store = await createStore(openSqlite(join(dataDir, 'jobs.db')))
  let id = ''
  let jobs: JobRecord[] = []
  for (let n = 0; n < count; n++) {
    const at = createdAt(n)
    const milliseconds = Date.parse(at)
    const status = statuses[n % statuses.length] ?? 'succeeded'
    id = `job-${ulid(milliseconds).toLowerCase()}`
    jobs.push(
      aJob({
        id,
        status,
        createdAt: at,
        startedAt: at,
        endedAt: at,
        endRecordedAt: at,
        tags: { team: `team-${n % teams}` },
        transitions: ['queued', 'running', status].map(status => ({
          status: status as 'queued',
          reason: null,
          at
        }))
      })
    )
    if (jobs.length === jobsAtOnce) {
      await store.insert(jobs)
      jobs = []
    }
  }
  await store.insert(jobs)
  await store.close()
  return id
}

/** Idempotency keys: the same key and the same content lead to the same jobs, however often they are sent. */
import { createHash } from 'node:crypto'
import { IdempotencyKeyReused } from '../errors.ts'
import type { JobRecord } from './job.ts'
import { type Accepted, type Asked, batchLimit } from './submission.ts'
import type { TenantStore } from './tenant-store.ts'

/** Of all that a job is made of, in a form that does not hang on how it was sent. */
export function fingerprintOf(jobs: JobRecord[], { rerunOf, batch }: Asked): string {
  const content = jobs.map(job => ({
    project: { digest: job.project.digest, path: job.project.path },
    entryPoint: job.entryPoint,
    name: job.name,
    parameters: job.parameters,
    run: job.run,
    environment: job.environment,
    resources: job.resources,
    inputs: job.inputs,
    tags: job.tags
  }))
  // A batch of one job is answered otherwise than that job.
  const way = batch ? 'batch' : (rerunOf?.id ?? null)
  const text = JSON.stringify([way, content], sorted)
  return createHash('sha256').update(text).digest('hex')
}

const sorted = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value

/** What the key led to before; undefined where it is new, or where its jobs were deleted. Throws IDEMPOTENCY_KEY_REUSED. */
export async function replay(
  { key, dryRun }: Asked,
  fingerprint: string,
  store: TenantStore
): Promise<Accepted | undefined> {
  if (!key || dryRun) return undefined
  const found = await store.findKey(key.scope, key.key)
  if (!found) return undefined
  if (found.fingerprint !== fingerprint) throw new IdempotencyKeyReused(key.key)
  const { answer: id } = found
  const jobs = id.startsWith('batch-') ? await jobsOf(id, store) : [await store.get(id)]
  const left = jobs.filter(job => job !== undefined)
  return left.length > 0 ? { id, jobs: left, replayed: true } : undefined
}

/** In the order in which they were given. */
const jobsOf = async (batch: string, store: TenantStore): Promise<JobRecord[]> =>
  (await store.list({ batch, limit: batchLimit })).reverse()

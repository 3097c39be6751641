/** A job's record as a row of the table, and back. */
import type { Selectable } from 'kysely'
import type { JobRecord } from '../jobs/job.ts'
import { defaultTenant } from '../tenant.ts'
import type { Tables } from './migrations.ts'

export const toRow = (job: JobRecord) => ({
  id: job.id,
  tenant: job.tenant,
  created_at: job.createdAt,
  stop_requested_at: job.stopRequestedAt,
  batch: job.batch,
  version: job.version,
  ...changingColumns(job)
})

/** The columns that `save` writes. */
export function changingColumns(job: JobRecord) {
  const { version, stopRequestedAt, ...document } = job
  return {
    status: job.status,
    project_digest: job.project.digest,
    name: job.name,
    document: JSON.stringify(document)
  }
}

export type Row = Pick<Selectable<Tables['jobs']>, 'stop_requested_at' | 'version' | 'document'>

/** What jobs of earlier versions lack. */
const added = {
  tenant: defaultTenant,
  resources: {},
  inputs: {},
  billableSeconds: null,
  batch: null,
  rerunOf: null,
  serviceVersion: null,
  keptBytes: null,
  endRecordedAt: null
}

export const fromRow = ({ document, version, stop_requested_at }: Row): JobRecord => ({
  ...added,
  ...(JSON.parse(document) as Omit<JobRecord, 'version' | 'stopRequestedAt'>),
  version,
  stopRequestedAt: stop_requested_at
})

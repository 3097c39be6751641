/** Valid job records for tests. */
import { encodeTime } from 'ulid'
import type { JobRecord } from '../../src/server/jobs/job.ts'

const createdAt = '2026-01-02T03:04:05.678Z'

/** Of a job that was made then: ids begin with their time, by which jobs are found, and are in its order. Of one time `text` decides. */
export const idOf = (time: string, text: string) =>
  `job-${encodeTime(Date.parse(time)).toLowerCase()}${text.padStart(16, '0')}`

/** A queued job as submitting makes it, with these changes. */
export const aJob = (changes: Partial<JobRecord> = {}): JobRecord => ({
  id: idOf(createdAt, ''),
  tenant: 'default',
  name: 'a job',
  status: 'queued',
  statusReason: null,
  project: {
    digest: `sha256:${'0123456789abcdef'.repeat(4)}`,
    name: 'wine quality',
    path: '',
    gitCommit: null
  },
  batch: null,
  rerunOf: null,
  entryPoint: 'main',
  parameters: { alpha: '1.0', label: '"a \\"b\\"\\n\u00e9"' },
  defaults: { l1_ratio: '0.1' },
  run: { experimentName: 'wine' },
  environment: { OMP_NUM_THREADS: '2' },
  resources: { maxRuntimeSeconds: 600 },
  inputs: { train: 's3://wine/train/' },
  tags: { team: 'cellar' },
  warnings: [],
  backend: { name: 'local', status: null, details: {} },
  serviceVersion: '0.1.0',
  createdAt,
  startedAt: null,
  endedAt: null,
  endRecordedAt: null,
  billableSeconds: null,
  transitions: [{ status: 'queued', reason: null, at: createdAt }],
  failure: null,
  mlflowRun: null,
  metrics: {},
  model: null,
  keptBytes: null,
  stopRequestedAt: null,
  version: 1,
  ...changes
})

/**
 * Where the service is killed in the middle of its work. A site is a call of one of its parts ("store.insert") or of what
 * lies below them ("aws.CreateTrainingJob", "file.link"), before it is made or after it is done and before anybody knows.
 */
import type { Observation, StartOutcome } from '../../../src/server/backends/index.ts'
import { isTerminal, type JobRecord } from '../../../src/server/jobs/job.ts'
import { logKey, modelKey, projectOf, reportKey } from '../../../src/server/storage/index.ts'

export const parts = ['local', 'sagemaker', 'postgres'] as const
export type Part = (typeof parts)[number]

export interface CrashPoint {
  name: string
  /** What is so, and what is not so yet. */
  words: string
  /** "before" or "after" a call. */
  site: string
  /** Not each call is meant. */
  when?: (values: unknown[], answer: unknown) => boolean
  /** All of them by default. */
  parts?: Part[]
  /** It is passed when something is deleted. */
  deletion?: true
}

const sagemaker: Part[] = ['sagemaker', 'postgres']
/** They write as many objects as there are outputs; SageMaker itself writes some of them. */
const keyIs = (keyOf: (id: string) => string) => (values: unknown[]) => {
  const key = String(values[0])
  return key === keyOf(key.split('/')[1] ?? '')
}
const isProject = (values: unknown[]) => projectOf(String(values[0])) !== undefined
const isFile = (end: RegExp) => (values: unknown[]) => end.test(String(values[1]))
const statusIs = (is: (job: JobRecord) => boolean) => (values: unknown[]) =>
  is(values[0] as JobRecord)
const ends = statusIs(({ status }) => isTerminal(status))

export const points: CrashPoint[] = [
  {
    name: 'project-named',
    words: 'the project has its name in the storage, which is not yet durable',
    site: 'after file.link',
    when: isFile(/\/projects\/[0-9a-f]{64}\.tar\.gz$/),
    parts: ['local']
  },
  {
    name: 'folder-written',
    words: "the job's folder is written, its supervisor not yet started",
    site: 'after file.rename',
    when: isFile(/\/local\/job\.json$/),
    parts: ['local']
  },
  {
    name: 'stop-claimed',
    words: 'a job that had not begun is claimed by its stop, and nobody knows',
    site: 'after file.link',
    when: isFile(/\/local\/claim\.json$/),
    parts: ['local']
  },
  {
    name: 'model-stored',
    words: 'the model is in the storage, its job still in progress',
    site: 'after storage.put',
    when: keyIs(modelKey),
    parts: ['local']
  },
  {
    name: 'before-create',
    words: 'CreateTrainingJob is about to be sent',
    site: 'before aws.CreateTrainingJob',
    parts: sagemaker
  },
  {
    name: 'after-create',
    words: 'CreateTrainingJob is answered, and nothing noted of it',
    site: 'after aws.CreateTrainingJob',
    parts: sagemaker
  },
  {
    name: 'before-stop-training',
    words: 'StopTrainingJob is about to be sent',
    site: 'before aws.StopTrainingJob',
    parts: sagemaker
  },
  {
    name: 'after-stop-training',
    words: 'StopTrainingJob is answered, and nothing noted of it',
    site: 'after aws.StopTrainingJob',
    parts: sagemaker
  },
  {
    name: 'project-stored',
    words: 'the project is in the storage, its job not in the store',
    site: 'after storage.put',
    when: isProject
  },
  {
    name: 'job-recorded',
    words: 'the job is in the store, the caller not answered',
    site: 'after store.insert'
  },
  {
    name: 'before-start',
    words: 'a queued job is about to be given to the backend',
    site: 'before backend.start'
  },
  {
    name: 'started',
    words: 'the backend has started the job, its record says queued',
    site: 'after backend.start',
    when: (_, answer) => (answer as StartOutcome).outcome === 'started'
  },
  {
    name: 'start-recorded',
    words: 'the record says starting, and no more has happened',
    site: 'after term.save',
    when: statusIs(({ status }) => status === 'starting')
  },
  {
    name: 'stop-asked',
    words: 'a stop is noted in the store, the caller not answered',
    site: 'after store.requestStop'
  },
  {
    name: 'before-stop',
    words: 'the backend is about to be asked for a stop',
    site: 'before backend.stop'
  },
  {
    name: 'stopped',
    words: 'the backend was asked for a stop, the record does not say so',
    site: 'after backend.stop'
  },
  {
    name: 'end-seen',
    words: "a job's end is seen, and nothing recorded of it",
    site: 'after backend.observe',
    when: (_, answer) =>
      [...(answer as Map<string, Observation>).values()].some(({ state }) => state === 'ended')
  },
  {
    name: 'report-stored',
    words: 'the run report is in the storage, its job still in progress',
    site: 'after storage.put',
    when: keyIs(reportKey)
  },
  {
    name: 'log-stored',
    words: 'the log is in the storage, its job still in progress',
    site: 'after storage.put',
    when: keyIs(logKey)
  },
  {
    name: 'before-end',
    words: 'all that a job left is stored, its end about to be recorded',
    site: 'before term.save',
    when: ends
  },
  {
    name: 'end-recorded',
    words: "a job's end is recorded, the backend still keeps it",
    site: 'after term.save',
    when: ends
  },
  {
    name: 'job-forgotten',
    words: 'the backend has forgotten an ended job',
    site: 'after backend.forget'
  },
  {
    name: 'files-deleted',
    deletion: true,
    words: 'what a deleted job left is gone, its record is there',
    site: 'after storage.remove',
    when: values => /^jobs\/[^/]+\/$/.test(String(values[0]))
  },
  {
    name: 'row-deleted',
    deletion: true,
    words: 'the record of a deleted job is gone, its project is there, the caller not answered',
    site: 'after store.remove'
  },
  {
    name: 'project-deleted',
    deletion: true,
    words: 'the project that no job needs is gone, the caller not answered',
    site: 'after storage.remove',
    when: isProject,
    parts: ['local', 'sagemaker']
  },
  {
    name: 'store-opened',
    words: 'the store is open and migrated, nobody served yet',
    site: 'after store.open'
  },
  {
    name: 'term-begun',
    words: 'the service leads (the lease is in the database), and has done nothing yet',
    site: 'after store.lead'
  },
  {
    name: 'recovering',
    words: 'the new leader has asked what the backend keeps, and looks after none of it yet',
    site: 'after backend.kept'
  }
]

export const pointsOf = (part: Part): CrashPoint[] =>
  points.filter(point => point.parts?.includes(part) ?? true)

/**
 * Jobs that SageMaker says it has not. One that was deleted there has failed. But a service that was given another region
 * or account than before finds none of its jobs, and all run on: so a job counts as deleted only when SageMaker was seen
 * since to have training jobs of the same region and account, and then said once more that it has not this one: the
 * account may have become the right one in between.
 */
import type { TrainingJobSummary } from '@aws-sdk/client-sagemaker'
import { type Entry, type JobTable, noteDeleted, noteUnclear } from './job-table.ts'
import type { Lister } from './list-jobs.ts'

export interface MissingJobs {
  /** To be called for every training job that SageMaker shows. */
  seen(job: Pick<TrainingJobSummary, 'TrainingJobArn'>, isOurs: boolean): void
  /** To be called after each poll; answers the jobs that were deleted. */
  judge(): Promise<Entry[]>
}

export interface MissingJobsOptions {
  table: JobTable
  newest: Lister['newest']
  region(): Promise<string>
  /** From one question for the newest to the next. */
  lookMilliseconds: number
  /** How long a job may be missing before it can count as deleted. */
  goneMilliseconds: number
  onProblem(text: string): void
}

/** No training job takes longer, from its start to its upload. */
const longestMilliseconds = 31 * 24 * 60 * 60_000

export function createMissingJobs(options: MissingJobsOptions): MissingJobs {
  const { table, newest, region, lookMilliseconds, goneMilliseconds, onProblem } = options
  /** Region and account -> when a training job of theirs was seen last (milliseconds since 1970, as all times here). */
  const seenAt = new Map<string, number>()
  let oursSeenAt = 0
  let askedAt = 0
  let problem = ''

  const isMissingLong = ({ missingSince, since, givenUp }: Entry) =>
    missingSince !== undefined &&
    !givenUp &&
    Date.now() - Math.max(missingSince, since) >= goneMilliseconds

  /** It is asked for once more when others are first seen. */
  function noteOthers(entry: Entry): void {
    const { arn, missingSince = 0 } = entry
    const othersAt = arn === undefined ? oursSeenAt : (seenAt.get(originOf(arn)) ?? 0)
    if (entry.othersAt !== undefined || othersAt <= missingSince) return
    entry.othersAt = othersAt
    entry.lookAt = Date.now()
  }

  const isDeleted = ({ createdAt, missingAt = 0, othersAt = missingAt }: Entry) =>
    missingAt > othersAt || Date.now() - createdAt > longestMilliseconds

  const isUnclear = (entry: Entry) => entry.othersAt === undefined && !isDeleted(entry)

  /** Where no list of ours shows others, any training job will do. */
  async function ask(): Promise<void> {
    if (Date.now() - askedAt < lookMilliseconds) return
    askedAt = Date.now()
    const job = await newest()
    if (job) seen(job, false)
  }

  function seen(
    { TrainingJobArn: arn }: Pick<TrainingJobSummary, 'TrainingJobArn'>,
    isOurs: boolean
  ): void {
    if (arn !== undefined) seenAt.set(originOf(arn), Date.now())
    if (isOurs) oursSeenAt = Date.now()
  }

  /** Once, not at each poll. */
  async function complain(unclear: Entry[]): Promise<void> {
    const [first] = unclear
    const text = first ? describe(first, unclear.length, await region()) : ''
    if (text && text !== problem) onProblem(text)
    problem = text
  }

  return {
    seen,
    async judge() {
      const missing = table.active().filter(isMissingLong)
      for (const entry of missing) noteOthers(entry)
      if (missing.some(isUnclear)) await ask()
      for (const entry of missing) noteOthers(entry)
      const deleted = missing.filter(isDeleted)
      const unclear = missing.filter(isUnclear)
      for (const entry of deleted) noteDeleted(entry)
      for (const entry of unclear) noteUnclear(entry, notThere)
      await complain(unclear)
      return deleted
    }
  }
}

/** `us-east-1:123456789012` of `arn:aws:sagemaker:us-east-1:123456789012:training-job/...` */
const originOf = (arn: string) => arn.split(':').slice(3, 5).join(':')

export const notThere =
  'SageMaker shows no such training job where the service looks: its region or account may be another one than when the job was started.'

const describe = ({ id, arn }: Entry, count: number, region: string) =>
  `SageMaker has none of the training jobs that this service looks after in region ${region}, such as ${arn ?? id} (${count} in all): are region and credentials those with which they were started? They are left as they are, and looked for again.`

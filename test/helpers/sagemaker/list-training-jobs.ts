/** ListTrainingJobs: pages, filters, and what is not listed yet. */
import type { ListTrainingJobsRequest } from '@aws-sdk/client-sagemaker'
import type { Knobs } from './knobs.ts'
import { validationError } from './service-error.ts'
import { type Description, nowSeconds, type TrainingJob } from './training-job.ts'

/** On the wire, times are seconds since 1970. */
type Request = {
  [Name in keyof ListTrainingJobsRequest]: Exclude<ListTrainingJobsRequest[Name], Date> | number
}

/**
 * A page is cut first and then filtered by status and by the time of change, so it may be empty although more pages
 * follow (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html).
 */
export function listTrainingJobs(
  request: Request,
  jobs: ReadonlyMap<string, TrainingJob>,
  knobs: Knobs
) {
  const { MaxResults: limit = 10, SortOrder: order = 'Ascending' } = request
  const listedUntil = nowSeconds() - knobs.listDelayMilliseconds / 1000
  const token = readToken(request.NextToken as string | undefined)
  const sorted = [...jobs.values()]
    .map(({ description }) => description)
    .filter(({ CreationTime }) => CreationTime <= listedUntil)
    .filter(description => isWanted(request, description))
    .map(description => ({ key: sortKey(request, description), description }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  if (order === 'Descending') sorted.reverse()
  const rest = sorted.filter(
    ({ key }) =>
      token.after === undefined || (order === 'Descending' ? key < token.after : key > token.after)
  )
  if (knobs.emptyPages && !token.wasEmpty && rest.length > 0)
    return { TrainingJobSummaries: [], NextToken: writeToken({ ...token, wasEmpty: true }) }
  const page = rest.slice(0, Number(limit))
  const after = page.at(-1)?.key
  return {
    TrainingJobSummaries: page
      .map(({ description }) => description)
      .filter(description => passes(request, description))
      .map(summarize),
    ...(rest.length > page.length && after !== undefined
      ? { NextToken: writeToken({ after, wasEmpty: false }) }
      : {})
  }
}

function isWanted(request: Request, { TrainingJobName, CreationTime }: Description): boolean {
  const {
    NameContains: part = '',
    CreationTimeAfter: after = 0,
    CreationTimeBefore: before = Number.POSITIVE_INFINITY
  } = request
  return (
    TrainingJobName.includes(String(part)) &&
    CreationTime > Number(after) &&
    CreationTime < Number(before)
  )
}

function passes(request: Request, { TrainingJobStatus, LastModifiedTime }: Description): boolean {
  const {
    StatusEquals: status = TrainingJobStatus,
    LastModifiedTimeAfter: after = 0,
    LastModifiedTimeBefore: before = Number.POSITIVE_INFINITY
  } = request
  return (
    TrainingJobStatus === status &&
    LastModifiedTime > Number(after) &&
    LastModifiedTime < Number(before)
  )
}

function sortKey({ SortBy: by = 'CreationTime' }: Request, description: Description): string {
  const { TrainingJobName: name, TrainingJobStatus: status, CreationTime: time } = description
  if (by === 'Name') return name
  return by === 'Status' ? `${status} ${name}` : `${time.toFixed(3).padStart(16, '0')} ${name}`
}

function summarize(description: Description) {
  const { TrainingJobName, TrainingJobArn, CreationTime, LastModifiedTime, TrainingEndTime } =
    description
  const { TrainingJobStatus, SecondaryStatus } = description
  return {
    TrainingJobName,
    TrainingJobArn,
    CreationTime,
    LastModifiedTime,
    TrainingEndTime,
    TrainingJobStatus,
    SecondaryStatus
  }
}

interface Token {
  after?: string
  wasEmpty: boolean
}

const writeToken = (token: Token) => Buffer.from(JSON.stringify(token)).toString('base64')

function readToken(text: string | undefined): Token {
  if (text === undefined) return { wasEmpty: false }
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString())
  } catch {
    throw validationError('Invalid NextToken.')
  }
}

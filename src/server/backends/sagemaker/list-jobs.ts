/** All training jobs of services like this one that changed since a time: ListTrainingJobs, page by page. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ListTrainingJobsCommand,
  type SageMakerClient,
  type TrainingJobSummary
} from '@aws-sdk/client-sagemaker'
import { callPatiently } from './call-patiently.ts'

/** Milliseconds since 1970, by the service's clock. */
export interface Since {
  changedSince: number
  /** Pages are cut before the time of change is looked at: this keeps away what an account has from earlier. */
  createdSince: number
}

/** Pages may be empty and have more behind them. */
export function createLister(
  client: SageMakerClient,
  paceMilliseconds: number,
  signal: AbortSignal
) {
  let nextAt = 0

  async function page({ changedSince, createdSince }: Since, token: string | undefined) {
    const wait = nextAt - Date.now()
    nextAt = Math.max(nextAt, Date.now()) + paceMilliseconds
    if (wait > 0) await sleep(wait, undefined, { signal })
    return client.send(
      new ListTrainingJobsCommand({
        CreationTimeAfter: new Date(createdSince),
        LastModifiedTimeAfter: new Date(changedSince),
        NameContains: 'job-',
        SortBy: 'CreationTime',
        SortOrder: 'Descending',
        MaxResults: 100,
        ...(token ? { NextToken: token } : {})
      }),
      { abortSignal: signal }
    )
  }

  return async function list(since: Since): Promise<TrainingJobSummary[]> {
    const found: TrainingJobSummary[] = []
    let token: string | undefined
    do {
      const { TrainingJobSummaries = [], NextToken } = await callPatiently(
        () => page(since, token),
        signal
      )
      found.push(...TrainingJobSummaries)
      token = NextToken
    } while (token)
    return found
  }
}

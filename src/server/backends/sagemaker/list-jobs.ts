/** ListTrainingJobs, page by page, and never faster than the account may. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ListTrainingJobsCommand,
  type ListTrainingJobsCommandInput,
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

export interface Lister {
  /** Pages may be empty and have more behind them. */
  list(since: Since): Promise<TrainingJobSummary[]>
  /** Of all training jobs that the account has in the region, whoever made them. */
  newest(): Promise<TrainingJobSummary | undefined>
}

export function createLister(
  client: SageMakerClient,
  paceMilliseconds: number,
  signal: AbortSignal
): Lister {
  let nextAt = 0

  const page = (request: ListTrainingJobsCommandInput) =>
    callPatiently(async () => {
      while (nextAt > Date.now()) await sleep(nextAt - Date.now(), undefined, { signal })
      nextAt = Date.now() + paceMilliseconds
      return client.send(new ListTrainingJobsCommand(request), { abortSignal: signal })
    }, signal)

  return {
    async list({ changedSince, createdSince }) {
      const found: TrainingJobSummary[] = []
      let token: string | undefined
      do {
        const { TrainingJobSummaries = [], NextToken } = await page({
          CreationTimeAfter: new Date(createdSince),
          LastModifiedTimeAfter: new Date(changedSince),
          NameContains: 'job-',
          SortBy: 'CreationTime',
          SortOrder: 'Descending',
          MaxResults: 100,
          ...(token ? { NextToken: token } : {})
        })
        found.push(...TrainingJobSummaries)
        token = NextToken
      } while (token)
      return found
    },
    async newest() {
      const request = { SortBy: 'CreationTime', SortOrder: 'Descending', MaxResults: 1 } as const
      return (await page(request)).TrainingJobSummaries?.[0]
    }
  }
}

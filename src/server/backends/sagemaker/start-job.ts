/** CreateTrainingJob, never twice for one job: the name is the job's id, and SageMaker takes a name only once. */
import { CreateTrainingJobCommand, type SageMakerClient } from '@aws-sdk/client-sagemaker'
import { plainFailure } from '../../../contract/run-report.ts'
import type { SagemakerConfig } from '../../config-aws.ts'
import type { Backend, BackendJob, StartOutcome } from '../index.ts'
import { createBackoff } from './backoff.ts'
import { createRequest } from './create-request.ts'
import type { Doubts, Sending } from './doubts.ts'
import { type Meaning, meaningOf, quotaReason, wordsOf } from './errors.ts'
import { findEarlier } from './find-earlier.ts'
import type { Places } from './job-place.ts'
import { type Entry, type JobTable, newEntry } from './job-table.ts'
import { planResources, quotaOf } from './plan-resources.ts'
import { type Poller, unseenMilliseconds } from './poller.ts'
import type { Quotas } from './quotas.ts'

export interface StartOptions {
  client: SageMakerClient
  settings: SagemakerConfig
  trackingUri: string | null
  table: JobTable
  poller: Poller
  places: Places
  doubts: Doubts
  quotas: Quotas
  retryMilliseconds: number
  onFound(entry: Entry): void
}

export function createStarter(options: StartOptions): Backend['start'] {
  const { client, settings, trackingUri, table, poller, places, doubts, quotas } = options
  /** Of all jobs: AWS limits how often training jobs are made. */
  const backoff = createBackoff({
    firstMilliseconds: options.retryMilliseconds,
    mostMilliseconds: 60 * options.retryMilliseconds
  })
  let busy = ''

  return async function start(job, signal) {
    if (table.get(job.id)?.exists || places.stoppedAt(job.id)) return started
    if (backoff.wait() > 0) return later(busy)
    const { instanceType, instanceCount, spot } = planResources(job.resources, settings)
    const quota = quotaOf(instanceType, spot)
    const full = quotas.reason(quota)
    if (full !== undefined) return later(full)
    const sending = await doubts.send(job.id)
    const createdAt = Date.now()
    try {
      const request = new CreateTrainingJobCommand(createRequest(job, settings, trackingUri))
      const { TrainingJobArn } = await client.send(request, signal && { abortSignal: signal })
      if (!TrainingJobArn) throw new Error('The answer names no training job; is it SageMaker’s?')
    } catch (error) {
      return notCreated(job, quota, sending, error)
    }
    backoff.succeeded()
    quotas.taken(quota)
    const lookAt = Date.now() + unseenMilliseconds
    table.add(newEntry(job.id, { exists: true, lookAt, createdAt, quota, instanceCount }))
    poller.wake()
    return started
  }

  async function notCreated(
    job: BackendJob,
    quota: string,
    sending: Sending,
    error: unknown
  ): Promise<StartOutcome> {
    const meaning = meaningOf(error)
    if (meaning === 'unknown') return pause(meaning, error)
    await sending.refused()
    if (meaning === 'throttled' || meaning === 'unauthenticated') return pause(meaning, error)
    backoff.succeeded()
    if (meaning === 'quota') quotas.full(quota, quotaReason(error))
    if (meaning === 'inUse' || sending.again) {
      const settled = await settle(job, meaning, error)
      if (settled) return settled
    }
    return meaning === 'quota' ? later(quotaReason(error)) : failed(job, error)
  }

  /** The name is taken, or may be; undefined where it surely is not. */
  async function settle(
    job: BackendJob,
    meaning: Meaning,
    error: unknown
  ): Promise<StartOutcome | undefined> {
    try {
      const earlier = await findEarlier(job, options)
      if (earlier.found === 'ours') {
        options.onFound(earlier.entry)
        poller.wake()
        return started
      }
      if (earlier.found === 'anothers') {
        await doubts.clear(job.id)
        return failed(job, error)
      }
    } catch (lookError) {
      return pause('unknown', lookError)
    }
    if (meaning === 'inUse' || !doubts.isSettled(job.id)) return later(lookingAgain)
    await doubts.clear(job.id)
    return undefined
  }

  function pause(meaning: keyof typeof reasons, error: unknown): StartOutcome {
    backoff.failed()
    busy = reasons[meaning](wordsOf(error))
    return later(busy)
  }
}

const started: StartOutcome = { outcome: 'started' }
const later = (reason: string): StartOutcome => ({ outcome: 'later', reason })

const lookingAgain = 'Whether SageMaker has a training job of this name is being found out.'

const reasons = {
  throttled: (words: string) => `SageMaker asks for fewer requests; tried again soon. (${words})`,
  unauthenticated: (words: string) =>
    `SageMaker does not accept the service's credentials, which its operator must mend; tried again soon. (${words})`,
  unknown: (words: string) => `SageMaker gave no answer; tried again soon. (${words})`
}

/** Input data that is not there is the caller's fault. */
function failed(job: BackendJob, error: unknown): StartOutcome {
  const words = wordsOf(error)
  const isInput = Object.values(job.inputs).some(uri => words.includes(uri))
  const message = `SageMaker refused the job: ${words}`
  return { outcome: 'failed', failure: plainFailure(isInput ? 'user' : 'platform', message) }
}

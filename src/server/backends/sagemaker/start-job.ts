/** CreateTrainingJob, never twice for one job: the name is the job's id, and SageMaker takes a name only once. */
import { CreateTrainingJobCommand, type SageMakerClient } from '@aws-sdk/client-sagemaker'
import { plainFailure } from '../../../contract/plain-failure.ts'
import type { SagemakerConfig } from '../../config-aws.ts'
import type { Backend, BackendJob, StartOutcome } from '../index.ts'
import { createBackoff } from './backoff.ts'
import { createRequest } from './create-request.ts'
import type { Doubts, Sending } from './doubts.ts'
import { type Meaning, meaningOf, quotaReason, wordsOf } from './errors.ts'
import { type Earlier, findEarlier } from './find-earlier.ts'
import type { Places } from './job-place.ts'
import { type Entry, type JobTable, newEntry } from './job-table.ts'
import { planResources, quotaOf } from './plan-resources.ts'
import type { Poller } from './poller.ts'
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
  /** When a job is looked at that no list shows. */
  lookMilliseconds: number
  /** Of a job that was refused while an earlier request may have been taken: when it is looked for again. */
  lookAgainMilliseconds: number
  onFound(entry: Entry): void
  /** Nobody waits for the job any more, though SageMaker may have it. */
  giveUp(id: string): Promise<void>
}

export function createStarter(options: StartOptions): Backend['start'] {
  const { client, settings, trackingUri, table, poller, places, doubts, quotas } = options
  /** Of all jobs: AWS limits how often training jobs are made. */
  const backoff = createBackoff({
    firstMilliseconds: options.retryMilliseconds,
    mostMilliseconds: 60 * options.retryMilliseconds
  })
  let busy = ''
  /** Jobs that wait for nothing but what became of an earlier request. */
  const unsettled = new Map<string, { until: number; reason: string }>()

  return async function start(job, signal) {
    const { id } = job
    if (table.get(id)?.exists || places.arnOf(id) || places.stoppedAt(id)) return started
    const waits = unsettled.get(id)
    if (waits && waits.until > Date.now()) return alone(waits.reason)
    unsettled.delete(id)
    if (backoff.wait() > 0) return later(busy)
    const { instanceType, instanceCount, spot } = planResources(job.resources, settings)
    const quota = quotaOf(instanceType, spot)
    const full = quotas.reason(quota)
    if (full !== undefined) return later(full)
    const sending = await doubts.send(id)
    const createdAt = Date.now()
    let arn: string
    try {
      arn = await create(job, signal)
    } catch (error) {
      return notCreated(job, quota, sending, error)
    }
    backoff.succeeded()
    quotas.taken(quota)
    await places.noteArn(id, arn)
    const lookAt = Date.now() + options.lookMilliseconds
    table.add(newEntry(id, { exists: true, arn, lookAt, createdAt, quota, instanceCount }))
    poller.wake()
    return started
  }

  async function create(job: BackendJob, signal: AbortSignal | undefined): Promise<string> {
    const request = new CreateTrainingJobCommand(createRequest(job, settings, trackingUri))
    const { TrainingJobArn: arn } = await client.send(request, signal && { abortSignal: signal })
    if (!arn) throw new Error('The answer names no training job; is it SageMaker’s?')
    return arn
  }

  async function notCreated(
    job: BackendJob,
    quota: string,
    sending: Sending,
    error: unknown
  ): Promise<StartOutcome> {
    const meaning = meaningOf(error)
    if (meaning === 'unknown' || meaning === 'inUse') sending.unanswered()
    else await sending.refused()
    if (meaning === 'unknown' || meaning === 'throttled' || meaning === 'unauthenticated')
      return pause(meaning, error)
    backoff.succeeded()
    if (meaning === 'quota') quotas.full(quota, quotaReason(error))
    if (meaning === 'inUse' || sending.again) {
      const settled = await settle(job, meaning, error)
      if (settled) return settled
    }
    return meaning === 'quota' ? later(quotaReason(error)) : failed(job, error)
  }

  /** The name is taken, or may be; undefined where what was just answered counts. */
  async function settle(
    job: BackendJob,
    meaning: Meaning,
    error: unknown
  ): Promise<StartOutcome | undefined> {
    let earlier: Earlier
    try {
      earlier = await findEarlier(job, options)
    } catch (lookError) {
      return pause('unknown', lookError)
    }
    if (earlier.found === 'ours') {
      options.onFound(earlier.entry)
      poller.wake()
      if (earlier.entry.arn) await places.noteArn(job.id, earlier.entry.arn)
      return started
    }
    if (earlier.found === 'anothers') {
      await doubts.clear(job.id)
      return failed(job, error)
    }
    if (meaning === 'quota') return undefined
    if (meaning === 'inUse' || !doubts.isSettled(job.id)) return lookAgain(job, error)
    await options.giveUp(job.id)
    return undefined
  }

  /** Others need not wait for it: SageMaker refuses it whatever there is room for. */
  function lookAgain({ id }: BackendJob, error: unknown): StartOutcome {
    const reason = `SageMaker refuses the job, but may have taken it before; it is looked for. (${wordsOf(error)})`
    unsettled.set(id, { until: Date.now() + options.lookAgainMilliseconds, reason })
    return alone(reason)
  }

  function pause(meaning: keyof typeof reasons, error: unknown): StartOutcome {
    backoff.failed()
    busy = reasons[meaning](wordsOf(error))
    return later(busy)
  }
}

const started: StartOutcome = { outcome: 'started' }
const later = (reason: string): StartOutcome => ({ outcome: 'later', reason })
const alone = (reason: string): StartOutcome => ({ outcome: 'later', reason, alone: true })

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

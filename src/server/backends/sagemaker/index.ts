/**
 * The SageMaker backend: each job is a training job of its id's name. SageMaker is asked by one poller for all jobs; what
 * this process remembers it can lose, for it is asked again after a restart.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SageMakerClient } from '@aws-sdk/client-sagemaker'
import type { SagemakerConfig } from '../../config-aws.ts'
import type { Backend, Observation } from '../index.ts'
import { checkLimits } from './check-limits.ts'
import { createCollector } from './collect-logs.ts'
import { createDoubts } from './doubts.ts'
import { wordsOf } from './errors.ts'
import { createPlaces } from './job-place.ts'
import { createdAt, createJobTable, type Entry, noteSummary } from './job-table.ts'
import type { JobLogs } from './logs.ts'
import { planResources, quotaOf } from './plan-resources.ts'
import { createPoller, skewMilliseconds } from './poller.ts'
import { createQuotas } from './quotas.ts'
import { createStarter } from './start-job.ts'
import { createStopper } from './stop-job.ts'

export interface SagemakerOptions {
  settings: SagemakerConfig
  /** DATA_DIR; a job's files lie in <folder>/jobs/<id>/sagemaker/ */
  folder: string
  /** Where jobs log that do not say; it must be reachable from them. */
  trackingUri: string | null
  client: SageMakerClient
  /** The number of a job's instances is known to the backend. */
  createLogs(hostsOf: (id: string) => number): JobLogs
  onProblem(text: string): void
  /** For tests, which wait less. */
  times?: Partial<Times>
}

export interface Times {
  pollMilliseconds: number
  /** From one ListTrainingJobs to the next: an account has 2 a second, for all its users. */
  paceMilliseconds: number
  /** After a first failed CreateTrainingJob; then twice as long each time. */
  retryMilliseconds: number
  /** How long a request that was cut off may still make a training job. */
  settleMilliseconds: number
  /** How long SageMaker may not know a job before it counts as deleted. */
  goneMilliseconds: number
  /** When a quota that was used up is tried first; then twice as late each time. */
  quotaMilliseconds: number
  /** After a StopTrainingJob that failed. */
  stopRetryMilliseconds: number
}

const minute = 60_000
/** How long a start of the service waits for SageMaker to say what it has. */
const patienceMilliseconds = 15_000

export function createSagemaker(options: SagemakerOptions): Backend {
  const { settings, folder, trackingUri, client, onProblem } = options
  const times: Times = {
    pollMilliseconds: settings.pollSeconds * 1000,
    paceMilliseconds: 700,
    retryMilliseconds: 1_000,
    settleMilliseconds: minute / 4,
    goneMilliseconds: 5 * minute,
    quotaMilliseconds: 10_000,
    stopRetryMilliseconds: 5_000,
    ...options.times
  }
  const listeners: (() => void)[] = []
  let telling: NodeJS.Timeout | undefined
  /** Once for many jobs that change together. */
  function changed(): void {
    telling ??= setTimeout(() => {
      telling = undefined
      for (const listener of listeners) listener()
    }, 100)
  }
  function onChange(entry: Entry): void {
    if (entry.end) {
      quotas.freed(quotaOfEntry(entry))
      collector.add(entry)
    }
    changed()
  }
  const table = createJobTable()
  const places = createPlaces(folder)
  const doubts = createDoubts(places, times.settleMilliseconds)
  const quotas = createQuotas(times.quotaMilliseconds)
  const logs = options.createLogs(id => table.get(id)?.instanceCount ?? 1)
  const collector = createCollector(logs, { onEnded: changed, onProblem })
  const poller = createPoller({
    client,
    table,
    intervalMilliseconds: times.pollMilliseconds,
    paceMilliseconds: times.paceMilliseconds,
    goneMilliseconds: times.goneMilliseconds,
    onProblem,
    onChange
  })
  const start = createStarter({
    client,
    settings,
    trackingUri,
    table,
    poller,
    places,
    doubts,
    quotas,
    retryMilliseconds: times.retryMilliseconds,
    onFound: onChange
  })
  const stop = createStopper({
    client,
    table,
    poller,
    places,
    doubts,
    retryMilliseconds: times.stopRetryMilliseconds,
    onProblem
  })

  /** A job that this process knows nothing of may run nevertheless: it is unclear, never absent. */
  function observe(id: string): Observation {
    const known = table.get(id)
    if (known) return known.observation
    const stoppedAt = places.stoppedAt(id)
    if (stoppedAt) return { state: 'ended', status: 'Stopped', endedAt: stoppedAt, stopped: true }
    const entry = table.add(id, { exists: false, lookAt: Date.now() })
    poller.wake()
    return entry.observation
  }

  return {
    name: 'sagemaker',
    open() {},
    pending: () => null,
    trackingUri: () => trackingUri,
    onChange: listener => void listeners.push(listener),
    check: job => checkLimits(job, settings, trackingUri),
    queueOf(resources) {
      const { instanceType, spot } = planResources(resources, settings)
      return quotaOf(instanceType, spot)
    },
    start,
    stop,
    observe: async ids => new Map(ids.map(id => [id, observe(id)])),

    async log(id) {
      const entry = table.get(id)
      return entry?.instanceCount === undefined ? undefined : logs.open(id)
    },

    async forget(id) {
      const entry = table.get(id)
      if (entry?.exists && !entry.end) await stop(id)
      await logs.forget(id)
      await places.remove(id)
      table.delete(id)
      doubts.forget(id)
    },

    /** Jobs that were made shortly before a crash are found in SageMaker's list, whether their start was noted or not. */
    async kept() {
      const ids = await places.all()
      if (ids.length > 0) await findJobs(ids)
      return ids
    },

    async close() {
      clearTimeout(telling)
      await poller.close()
      await collector.close()
    }
  }

  async function findJobs(ids: string[]): Promise<void> {
    const wanted = new Set(ids)
    const oldest = Math.min(...ids.map(createdAt))
    const since = oldest - skewMilliseconds
    const finding = poller.list({ changedSince: since, createdSince: since }).then(
      found => {
        for (const summary of found) {
          const id = summary.TrainingJobName ?? ''
          if (wanted.has(id) && !table.get(id)?.exists) {
            noteSummary(table.add(id, { exists: true, lookAt: Date.now() }), summary)
          }
        }
        poller.wake()
      },
      error => onProblem(`SageMaker could not be asked what it has: ${wordsOf(error)}`)
    )
    await Promise.race([finding, sleep(patienceMilliseconds, undefined, { ref: false })])
  }
}

function quotaOfEntry({ quota, described }: Entry): string {
  return (
    quota ??
    quotaOf(
      described?.ResourceConfig?.InstanceType ?? '',
      described?.EnableManagedSpotTraining ?? false
    )
  )
}

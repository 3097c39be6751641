/**
 * The SageMaker backend: each job is a training job of its id's name. SageMaker is asked by one poller for all jobs; what
 * this process remembers it can lose, for it is asked again after a restart.
 */
import type { SageMakerClient } from '@aws-sdk/client-sagemaker'
import type { Metrics } from '../../../contract/metric-lines.ts'
import type { SagemakerConfig } from '../../config-aws.ts'
import type { Backend, Observation, Permit, Resources } from '../index.ts'
import { createAtRest } from './at-rest.ts'
import { checkLimits } from './check-limits.ts'
import { createCollector } from './collect-logs.ts'
import { demandPermit } from './demand-permit.ts'
import { createDoubts } from './doubts.ts'
import { findJobs } from './find-jobs.ts'
import { createGivenUp } from './given-up.ts'
import { createPlaces } from './job-place.ts'
import { createJobTable, type Entry, mayRun, olderEntry } from './job-table.ts'
import type { CreateLogs } from './logs.ts'
import { type PlannedResources, planResources, quotaOf } from './plan-resources.ts'
import { createPoller } from './poller.ts'
import { createQuotas } from './quotas.ts'
import { createRenewed } from './renewed.ts'
import { createStarter } from './start-job.ts'
import { createStopper } from './stop-job.ts'
import { type Times, timesOf } from './times.ts'

export interface SagemakerOptions {
  settings: SagemakerConfig
  /** DATA_DIR; a job's files lie in <folder>/jobs/<id>/sagemaker/ */
  folder: string
  /** Where jobs log that do not say; it must be reachable from them. */
  trackingUri: string | null
  client: SageMakerClient
  createLogs: CreateLogs
  onProblem(text: string): void
  /** Other services move the same jobs on, one at a time. */
  shared?: boolean
  /** For tests, which wait less. */
  times?: Partial<Times>
}

/** What it knows of jobs is out of date when another service has moved them on: then it begins anew. */
export function createSagemaker(options: SagemakerOptions): Backend {
  const { client, shared = false } = options
  if (!shared) return createInCharge(options)
  let permit: Permit = { holds: () => false }
  demandPermit(client, () => permit.holds())
  return createRenewed({
    inCharge(given) {
      permit = given
      return createInCharge(options)
    },
    atRest: () => createAtRest(createInCharge(options), options)
  })
}

function createInCharge(options: SagemakerOptions): Backend {
  const { settings, folder, trackingUri, client, onProblem } = options
  const times: Times = { ...timesOf(settings), ...options.times }
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
      if (!entry.givenUp) collector.add(entry)
    }
    changed()
  }
  const table = createJobTable()
  const places = createPlaces(folder)
  const doubts = createDoubts(places, times.settleMilliseconds, options.shared)
  const quotas = createQuotas(times.quotaMilliseconds)
  const logs = options.createLogs(id => table.get(id)?.instanceCount ?? 1, false)
  const collector = createCollector(logs, { onEnded: changed, onProblem })
  const poller = createPoller({
    client,
    table,
    intervalMilliseconds: times.pollMilliseconds,
    paceMilliseconds: times.paceMilliseconds,
    lookMilliseconds: times.lookMilliseconds,
    goneMilliseconds: times.goneMilliseconds,
    youngMilliseconds: times.youngMilliseconds,
    onProblem,
    onChange,
    onPolled: () => givenUp.tend()
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
    lookMilliseconds: times.lookMilliseconds,
    lookAgainMilliseconds: times.settleMilliseconds / 8,
    onFound: onChange,
    giveUp: id => givenUp.add(id)
  })
  const stop = createStopper({
    client,
    table,
    poller,
    places,
    doubts,
    retryMilliseconds: times.stopRetryMilliseconds,
    onFound: onChange,
    onProblem
  })
  const givenUp = createGivenUp({
    table,
    places,
    doubts,
    stop,
    wake: poller.wake,
    keepMilliseconds: times.givenUpMilliseconds
  })

  /** A job that this process knows nothing of may run nevertheless: it is unclear, never absent. */
  function observe(id: string): Observation {
    const known = table.get(id)
    if (known) return observationOfEntry(known, logs.metrics(id))
    const stoppedAt = places.stoppedAt(id)
    if (stoppedAt) return { state: 'ended', status: 'Stopped', endedAt: stoppedAt, stopped: true }
    const entry = table.add(olderEntry(id, places.arnOf(id)))
    poller.wake()
    return entry.observation
  }

  /** SageMaker surely does not run it, and never will. */
  const isOver = (id: string, entry: Entry | undefined) =>
    entry?.exists ? !mayRun(entry) : entry?.end !== undefined || doubts.isFresh(id)

  return {
    name: 'sagemaker',
    open() {},
    rest: async () => {},
    pending: () => null,
    trackingUri: () => trackingUri,
    onChange: listener => void listeners.push(listener),
    check: job => checkLimits(job, settings, trackingUri),
    plan: resources => withoutUndefined(planResources(resources, settings)),
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
      // The store says that it has ended; what runs nevertheless costs money.
      if (entry && mayRun(entry)) await stop(id)
      await logs.forget(id)
      if (!isOver(id, entry)) return givenUp.add(id)
      await places.remove(id)
      table.delete(id)
      doubts.forget(id)
    },

    /** Jobs that were made shortly before a crash are found in SageMaker's list, whether their start was noted or not. */
    async kept() {
      const ids = await places.all()
      if (ids.length > 0) await findJobs(ids, { table, poller, onProblem, ...times })
      return ids
    },

    async close() {
      clearTimeout(telling)
      await poller.close()
      await collector.close()
    }
  }
}

const withoutUndefined = ({ maxWaitSeconds, ...planned }: PlannedResources): Resources =>
  maxWaitSeconds === undefined ? planned : { ...planned, maxWaitSeconds }

const observationOfEntry = (
  { observation, stopRefused }: Entry,
  metrics: Metrics | undefined
): Observation => ({
  ...observation,
  ...(stopRefused === undefined ? {} : { stopRefused }),
  ...(metrics ? { metrics } : {})
})

function quotaOfEntry({ quota, described }: Entry): string {
  return (
    quota ??
    quotaOf(
      described?.ResourceConfig?.InstanceType ?? '',
      described?.EnableManagedSpotTraining ?? false
    )
  )
}

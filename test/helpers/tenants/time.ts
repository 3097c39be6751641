/**
 * How long B waits for an answer about A's things, in comparison with things that are not there: medians of requests that
 * alternate, as ratios. Told, not judged: the number of reads, which does not depend on the machine, is judged.
 */

import { nextId } from '../../../src/server/jobs/next-id.ts'
import { aJob } from '../job-record.ts'
import { type Names, namesOfNothing } from './names.ts'
import { type Asked, operationsOf, requestsOf } from './operations.ts'
import { type TwoTenants, treesOf } from './two-tenants.ts'

export interface TimeRatio {
  what: string
  /** 1: as long as for nothing. */
  ratio: number
}

/** So many jobs of A that a search among them would take its time. */
const theirJobs = 5000

/** The largest ratio first. */
export async function timeTenants(tenants: TwoTenants, rounds: number): Promise<TimeRatio[]> {
  const { app, fill } = tenants
  await app.ready()
  const foreign = (await fill()).at(-1) as Names
  await addJobs(tenants, foreign)
  const nothing = namesOfNothing(treesOf('none'))
  const ratios: TimeRatio[] = []
  for (const operation of operationsOf(app).filter(asksOnly)) {
    const none = requestsOf(operation, nothing)
    for (const [n, theirs] of requestsOf(operation, foreign).entries())
      ratios.push(await compare(tenants, theirs, none[n] as Asked, rounds))
  }
  return ratios.toSorted((one, other) => other.ratio - one.ratio)
}

/** What B asks for changes nothing: it looks, or is refused. */
const asksOnly = ({ method, path }: { method: string; path: string }) =>
  method === 'GET' ? path.startsWith('/jobs') || path.includes('{') : path.includes('{')

async function addJobs({ store }: TwoTenants, { batch, digest, name, tag }: Names): Promise<void> {
  const [key = '', value = ''] = tag.split(':')
  const metrics = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`metric-${n}`, n]))
  await store.insert(
    Array.from({ length: theirJobs }, () => {
      const job = aJob({ id: nextId('job'), tenant: 'a', name, batch, tags: { [key]: value } })
      return { ...job, project: { ...job.project, digest }, metrics }
    })
  )
}

async function compare(
  { ask }: TwoTenants,
  theirs: Asked,
  none: Asked,
  rounds: number
): Promise<TimeRatio> {
  const taken: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++)
    for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const request = await (which === 0 ? theirs : none).make()
      const begun = performance.now()
      await ask('b', request)
      taken[which].push(performance.now() - begun)
    }
  return { what: theirs.what, ratio: median(taken[0]) / median(taken[1]) }
}

const median = (numbers: number[]) =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0

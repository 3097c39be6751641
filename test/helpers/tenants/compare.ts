/**
 * Every operation of the document, asked by B for what belongs to A and for what is not there: answer, headers and the
 * work that it takes must be the same; and what lists and sums tell B must be the same with A's things as without.
 */
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { type Names, namesOfNothing, withoutNames } from './names.ts'
import { type Asked, isOverview, type Operation, operationsOf, requestsOf } from './operations.ts'
import { type TwoTenants, treesOf } from './two-tenants.ts'

export interface TenantsResult {
  operations: number
  /** With names of what belongs to another. */
  requests: number
  /** What an answer tells of another's things, in sentences. */
  toldApart: string[]
  /** Where store or storage have more to do. */
  moreReads: string[]
}

export async function compareTenants(tenants: TwoTenants): Promise<TenantsResult> {
  const { app, ask, fill } = tenants
  await app.ready()
  const operations = operationsOf(app)
  const result = { operations: operations.length, requests: 0, toldApart: [], moreReads: [] }
  const overviews = async () =>
    new Map(
      await Promise.all(
        operations
          .filter(isOverview)
          .map(async ({ id, path }) => [id, textOf(await ask('b', { url: path }))] as const)
      )
    )
  const before = await overviews()
  const foreign = await fill()
  tell(result, 'is another since A has things', before, await overviews())
  const own = await allOf(tenants, foreign)
  const trees = treesOf('none')
  // Before B has jobs of its own: theirs and those of nobody stand before all of these.
  const absent = foreign.map(() => namesOfNothing(trees))
  for (const operation of operations)
    for (const [n, names] of foreign.entries()) {
      if (n > 0 && !operation.path.includes('{id}')) break
      const nothing = absent[n] as Names
      const pairs = requestsOf(operation, names).map((one, n) => [
        one,
        requestsOf(operation, nothing)[n] as Asked
      ])
      for (const [theirs, none] of pairs as [Asked, Asked][])
        await compare(tenants, { operation, theirs, none, names, nothing }, result)
    }
  tell(result, 'of A was changed by B', own, await allOf(tenants, foreign))
  return result
}

interface Pair {
  operation: Operation
  theirs: Asked
  none: Asked
  names: Names
  nothing: Names
}

async function compare(tenants: TwoTenants, pair: Pair, result: TenantsResult): Promise<void> {
  const { theirs, none, names, nothing } = pair
  const one = await measured(tenants, await theirs.make())
  const other = await measured(tenants, await none.make())
  result.requests++
  const [told, toldOfNothing] = [
    withoutNames(textOf(one.answer), names),
    withoutNames(textOf(other.answer), nothing)
  ]
  if (told !== toldOfNothing)
    result.toldApart.push(`${theirs.what}: ${told}\n    and of nothing: ${toldOfNothing}`)
  if (one.reads.join() !== other.reads.join())
    result.moreReads.push(
      `${theirs.what}: ${one.reads.join(', ')}; of nothing: ${other.reads.join(', ') || 'none'}`
    )
}

async function measured({ ask, reads }: TwoTenants, request: InjectOptions) {
  reads.take()
  const answer = await ask('b', request)
  return { answer, reads: reads.take() }
}

/** All that is answered, but for what is of the moment. */
function textOf({ statusCode, headers, body }: LightMyRequestResponse): string {
  const { date, 'x-request-id': id, ...others } = headers
  const { memory, uptime, ...told } = { ...others } as Record<string, unknown>
  return `${statusCode} ${JSON.stringify(told)} ${body.replaceAll(String(id), '…')}`
}

/** What A sees of its own. */
async function allOf({ ask }: TwoTenants, foreign: Names[]): Promise<Map<string, string>> {
  const urls = ['/jobs', '/jobs/summary', ...foreign.map(({ id }) => `/jobs/${id}`)]
  const seen = new Map<string, string>()
  for (const url of urls) seen.set(url, (await ask('a', { url })).body)
  return seen
}

function tell(
  { toldApart }: { toldApart: string[] },
  what: string,
  before: Map<string, string>,
  after: Map<string, string>
): void {
  for (const [name, text] of before)
    if (after.get(name) !== text)
      toldApart.push(`${name} ${what}: ${text}\n    and then: ${after.get(name)}`)
}

/** npm run tenants: one tenant asks, by every operation, for what belongs to another. */
import { parseArgs } from 'node:util'
import { withOwner } from '../test/helpers/script-owner.ts'
import { compareTenants } from '../test/helpers/tenants/compare.ts'
import { timeTenants } from '../test/helpers/tenants/time.ts'
import { createTwoTenants } from '../test/helpers/tenants/two-tenants.ts'

const usage = `npm run tenants [-- --time]

A service with two tenants. One asks, by every operation of the document and with every parameter, for jobs,
batches, projects and keys of the other, and for such that are not there: answers and headers must be the same,
store and storage must be asked as often, and lists and sums must tell nothing of the other.

  --time  tells how long the answers take, as ratios of medians, the other tenant having thousands of jobs;
          what a machine measures is not judged`

const mostShown = 20
const rounds = 200

const { values } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, time: { type: 'boolean' } }
})
if (values.help) console.log(usage)
else if (values.time) await tellTimes()
else await compare()

async function compare(): Promise<void> {
  const { operations, requests, toldApart, moreReads } = await withOwner(async owner =>
    compareTenants(await createTwoTenants(owner))
  )
  const faults = [...toldApart, ...moreReads]
  for (const fault of faults.slice(0, mostShown)) console.log(`  ${fault}`)
  if (faults.length > mostShown) console.log(`  and ${faults.length - mostShown} more`)
  console.log(
    `tenants: ${operations} operations, ${requests} requests with foreign ids, ${toldApart.length} told apart, ${moreReads.length} reads more`
  )
  process.exitCode = faults.length === 0 ? 0 : 1
}

async function tellTimes(): Promise<void> {
  const ratios = await withOwner(async owner => timeTenants(await createTwoTenants(owner), rounds))
  for (const { what, ratio } of ratios) console.log(`  ${ratio.toFixed(2)}  ${what}`)
  const [first, last] = [ratios[0], ratios.at(-1)]
  console.log(
    `tenants: ${ratios.length} requests, ${rounds} times each; of what is another's ${last?.ratio.toFixed(2)} to ${first?.ratio.toFixed(2)} times as long as of nothing`
  )
}

/** npm run tenants: one tenant asks, by every operation, for what belongs to another. */
import { parseArgs } from 'node:util'
import { withOwner } from '../test/helpers/script-owner.ts'
import { compareTenants } from '../test/helpers/tenants/compare.ts'
import { createTwoTenants } from '../test/helpers/tenants/two-tenants.ts'

const usage = `npm run tenants

A service with two tenants. One asks, by every operation of the document and with every parameter, for jobs,
batches, projects and keys of the other, and for such that are not there: answers and headers must be the same,
store and storage must be asked as often, and lists and sums must tell nothing of the other.`

const mostShown = 20

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) console.log(usage)
else {
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

/** npm run faults: fails every call of store, storage and backend that an operation makes, one after the other; -- NAME: of that alone. */
import { failEveryCall } from '../test/helpers/fail-nth/index.ts'

const names = process.argv.slice(2)
const { outcomes, failures, undocumented } = await failEveryCall(
  names.length > 0 ? names : undefined
)
for (const [site, what] of outcomes) {
  const counts = Map.groupBy(what, one => one)
  const text = [...counts].map(([one, { length }]) => (length > 1 ? `${length} x ${one}` : one))
  console.log(`  ${site.padEnd(46)} ${text.join(', ')}`)
}
for (const one of undocumented) console.log(one)
console.log(
  `faults: ${outcomes.size} sites, ${failures} failures, ${undocumented.length} undocumented`
)
process.exitCode = undocumented.length === 0 ? 0 : 1

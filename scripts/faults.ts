/** npm run faults: fails every call that an operation makes, one after the other, and tells what is not as documented. */
import { parseArgs } from 'node:util'
import { failCalls } from '../test/helpers/fail-nth/fail-calls.ts'
import {
  createResult,
  type FaultsResult,
  isClean,
  neverReached
} from '../test/helpers/fail-nth/result.ts'
import { failQueries } from '../test/helpers/fail-nth/sql/index.ts'
import { failSystemCalls } from '../test/helpers/fail-nth/system/index.ts'
import { failRequests } from '../test/helpers/fail-nth/wire/index.ts'
import { noPostgres } from '../test/helpers/postgres.ts'
import { noStrace } from '../test/helpers/strace.ts'
import { prepareTestTools } from './training.ts'

const usage = `npm run faults [-- [--quick] [--seed 1] [--layer NAME]... [OPERATION]...]

Fails every call that an operation of the service makes, for every n and in each way in which it may fail, and asks once
more. Layers:
  calls    those of store, storage and backend
  system   system calls below DATA_DIR, of Node and of SQLite, by strace
  wire     requests to S3 and SageMaker
  sql      queries to PostgreSQL
With --quick, of each operation a sample that the seed fixes. An operation is one such as submit or delete.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    layer: { type: 'string', multiple: true },
    help: { type: 'boolean', short: 'h' }
  }
})

const only = positionals.length > 0 ? positionals : undefined
const sample = values.quick ? { seed: Number(values.seed), count: 3 } : undefined
const options = { ...(only ? { only } : {}), ...(sample ? { sample } : {}) }

const layers: Record<string, (result: FaultsResult) => Promise<void>> = {
  calls: result => failCalls(result, options),
  async system(result) {
    if (noStrace) console.log(`system: left out, for ${noStrace}`)
    else await failSystemCalls(result, options)
  },
  async sql(result) {
    if (noPostgres) console.log(`sql: left out, for ${noPostgres}`)
    else await failQueries(result, options)
  },
  async wire(result) {
    process.env.TEST_TOOLS_PYTHON = await prepareTestTools(text => console.log(`  ${text}`))
    await failRequests(result, options)
  }
}

if (values.help) console.log(usage)
else await main()

async function main(): Promise<void> {
  const results: FaultsResult[] = []
  for (const name of values.layer ?? Object.keys(layers)) {
    const layer = layers[name]
    if (!layer) throw new Error(usage)
    const result = createResult(printer())
    console.log(`${name}:`)
    await layer(result)
    result.tell()
    for (const operation of neverReached(result))
      console.log(
        `${name}: of ${operation} nothing failed: each call that was to fail did not come`
      )
    results.push(result)
  }
  const count = (of: (result: FaultsResult) => number) =>
    results.reduce((sum, result) => sum + of(result), 0)
  const sites = count(({ outcomes }) => outcomes.size)
  const failures = count(result => result.failures)
  const missed = count(({ missed }) => missed.values().reduce((sum, one) => sum + one, 0))
  const undocumented = count(result => result.undocumented.length)
  const unhandled = count(result => result.unhandled.length)
  const leaks = count(result => result.leaks.length)
  console.log(
    `faults: ${sites} sites, ${failures} failures, ${missed} not reached, ${undocumented} undocumented, ${unhandled} unhandled, ${leaks} leaks`
  )
  process.exitCode = results.every(isClean) && failures > 0 ? 0 : 1
}

/** Prints what has come since it printed last. */
function printer() {
  const printed = new Set<string>()
  return ({ outcomes, undocumented, unhandled, leaks }: FaultsResult) => {
    for (const [site, what] of outcomes) {
      if (printed.has(site)) continue
      printed.add(site)
      const counts = Map.groupBy(what, one => one)
      const text = [...counts].map(([one, { length }]) => (length > 1 ? `${length} x ${one}` : one))
      console.log(`  ${site.padEnd(46)} ${text.join(', ')}`)
    }
    for (const one of [...undocumented, ...unhandled, ...leaks].filter(one => !printed.has(one))) {
      printed.add(one)
      console.log(one)
    }
  }
}

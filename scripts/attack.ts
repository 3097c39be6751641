/** npm run attack: every hostile archive of the tests to a running service, and every normal one. */
import { parseArgs } from 'node:util'
import { attack } from '../test/helpers/attack.ts'

const usage = `npm run attack

Sends the archives of test/fixtures/archives to the service over HTTP. Each hostile one must be refused
with its reason, and each normal one be kept as the tree that it is; nothing is written outside of the
data folder (strace watches, where it is there) and nothing is left over in it. A bomb must end with at
most 1 MiB read and 64 MiB inflated.`

const mostShown = 50

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) console.log(usage)
else {
  const result = await attack(text => console.log(`  ${text}`))
  const { refused, taken, normalTaken, normalRefused, broken, bytesOutside } = result
  const faults = [...taken, ...normalRefused, ...broken]
  for (const fault of faults.slice(0, mostShown)) console.log(fault)
  if (faults.length > mostShown) console.log(`and ${faults.length - mostShown} more`)
  for (const title of result.missing) console.log(`  not here: ${title}`)
  if (!result.traced) console.log('  no strace here: only the folder around the data was watched')
  console.log(
    `  the largest bomb: ${mebibytes(result.mostRead)} read, ${mebibytes(result.mostInflated)} inflated`
  )
  console.log(
    `attack: ${refused} hostile refused, ${taken.length} taken; ${normalTaken} normal taken, ${normalRefused.length} refused; ${bytesOutside} bytes outside`
  )
  process.exitCode = faults.length + bytesOutside === 0 ? 0 : 1
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

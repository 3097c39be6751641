/** npm run attack: every hostile archive of the tests to a running service, and every normal one. */
import { parseArgs } from 'node:util'
import { attack } from '../test/helpers/attack.ts'

const usage = `npm run attack

Sends the archives of test/fixtures/archives to the service over HTTP. Each hostile one must be refused
with its reason, and each normal one be kept as the tree that it is; nothing is written outside of the
data folder (strace watches, where it is there) and nothing is left over in it. A bomb must end with at
most 1 MiB read and 64 MiB inflated.`

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) console.log(usage)
else {
  const result = await attack(text => console.log(`  ${text}`))
  const { refused, taken, normalTaken, normalRefused, broken, bytesOutside } = result
  for (const fault of [...taken, ...normalRefused, ...broken]) console.log(fault)
  for (const title of result.missing) console.log(`  not here: ${title}`)
  if (!result.traced) console.log('  no strace here: only the folder around the data was watched')
  console.log(
    `  the largest bomb: ${mebibytes(result.mostRead)} read, ${mebibytes(result.mostInflated)} inflated`
  )
  console.log(
    `attack: ${refused} hostile refused, ${taken.length} taken; ${normalTaken} normal taken, ${normalRefused.length} refused; ${bytesOutside} bytes outside`
  )
  const faults = taken.length + normalRefused.length + broken.length + bytesOutside
  process.exitCode = faults === 0 ? 0 : 1
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

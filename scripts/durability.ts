/** npm run durability: shows by strace that jobs are acknowledged when they are on the disk, and not before. */
import { parseArgs } from 'node:util'
import { durability } from '../test/helpers/durability.ts'
import { noStrace } from '../test/helpers/strace.ts'

const usage = `npm run durability [-- --submissions 100]

Submits jobs to the service under strace. Each must be acknowledged after the kernel has said that its project's bytes,
their name, the folders of that name and the job's row are on the disk, in this order.`

const { values } = parseArgs({
  options: {
    submissions: { type: 'string', default: '100' },
    help: { type: 'boolean', short: 'h' }
  }
})
if (values.help) console.log(usage)
else {
  const submissions = Number(values.submissions)
  if (!submissions) throw new Error(usage)
  if (noStrace) throw new Error(noStrace)
  const early = await durability(submissions)
  for (const one of early) console.log(one)
  console.log(`durability: ${submissions} submissions, ${early.length} acknowledged too early`)
  process.exitCode = early.length === 0 ? 0 : 1
}

/** npm run chaos: the service is killed again and again while it works; nothing may be lost, doubled or stuck. */
import { parseArgs } from 'node:util'
import { chaos } from '../test/helpers/chaos.ts'
import { withTraining } from './training.ts'

const usage = `npm run chaos [-- --kills 20] [--jobs 30] [--seed 1]

Kills the service (-9) at random moments while jobs are submitted and run, and starts it again. Then
checks: every acknowledged job exists, its program ran exactly once, it ended, its log is whole. The
same seed kills after the same waits.`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    jobs: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h' }
  }
})
if (values.help) console.log(usage)
else {
  const [kills, jobs, seed] = [values.kills, values.jobs, values.seed].map(Number)
  if (!kills || !jobs || seed === undefined || Number.isNaN(seed)) throw new Error(usage)
  await withTraining(async training => {
    const onProgress = (text: string) => console.log(`  ${text}`)
    const result = await chaos({ kills, jobs, seed, onProgress, ...training })
    const { lost, doubled, stuck, broken } = result
    for (const fault of [...lost, ...doubled, ...stuck, ...broken]) console.log(fault)
    console.log(
      `chaos: ${kills} kills, ${result.acknowledged} acknowledged, ${lost.length} lost, ${doubled.length} doubled, ${stuck.length} stuck, ${broken.length} otherwise broken`
    )
    process.exitCode = lost.length + doubled.length + stuck.length + broken.length === 0 ? 0 : 1
  })
}

/** npm run chaos: the service is killed again and again while it works; nothing may be lost, doubled or stuck. */
import { parseArgs } from 'node:util'
import { type ChaosResult, chaos } from '../test/helpers/chaos/index.ts'
import { type Part, parts, pointsOf } from '../test/helpers/chaos/points.ts'
import { prepareTestTools, withTraining } from './training.ts'

const usage = `npm run chaos [-- --kills 50] [--seed 1] [--parts ${parts.join(',')}]

Kills the service (-9) at named points of its work and at any moment while callers submit jobs, run
them again, stop and delete them, and starts it again. Then checks all that was promised: each
acknowledged job exists, ended, and ran exactly once; nothing is left over.

  local       jobs on this machine by the real mlflow; SQLite and a folder
  sagemaker   an emulated SageMaker that throttles, fails and loses answers; SQLite and S3
  postgres    the same with two services on one PostgreSQL, which must be installed

The parts share the kills. The same seed makes the same decisions; how they meet is up to the machine.`

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    parts: { type: 'string', default: parts.join(',') },
    help: { type: 'boolean', short: 'h' }
  }
})
const chosen = values.parts.split(',') as Part[]
const [kills, seed] = [Number(values.kills), Number(values.seed)]
if (values.help) console.log(usage)
else if (
  !(kills >= chosen.length) ||
  Number.isNaN(seed) ||
  chosen.some(part => !parts.includes(part))
) {
  console.error(usage)
  process.exitCode = 2
} else await run()

async function run(): Promise<void> {
  const startedAt = Date.now()
  process.env.TEST_TOOLS_PYTHON = await prepareTestTools(text => console.log(`  ${text}`))
  const results = await withTraining(training =>
    Promise.all(
      chosen.map(async (part, n) => {
        const share = Math.floor(kills / chosen.length) + Number(n < kills % chosen.length)
        const onProgress = (text: string) => console.log(`  ${part}: ${text}`)
        const result = await chaos({ part, kills: share, seed, onProgress, ...training })
        report(part, share, result)
        return result
      })
    )
  )
  const at = new Map<string, number>()
  for (const result of results)
    for (const [name, count] of result.at) at.set(name, (at.get(name) ?? 0) + count)
  const unreached = sayPoints(at)
  const count = (of: (result: ChaosResult) => number) =>
    results.reduce((sum, result) => sum + of(result), 0)
  const faults = (['lost', 'doubled', 'stuck', 'broken'] as const).map(
    kind => `${count(result => result[kind].length)} ${kind}`
  )
  const seconds = Math.round((Date.now() - startedAt) / 1000)
  const made = count(result => result.kills)
  const named = [...at.values()].reduce((sum, times) => sum + times, 0)
  console.log(`${(made / (seconds / 60)).toFixed(1)} kills a minute, ${seconds} s in all`)
  console.log(
    `chaos: ${made} kills (${named} at named points), ${count(({ acknowledged }) => acknowledged)} acknowledged, ${faults.join(', ')}`
  )
  const isFine = faults.every(text => text.startsWith('0 ')) && unreached === 0
  process.exitCode = isFine ? 0 : 1
}

function report(
  part: Part,
  share: number,
  { lost, doubled, stuck, broken, folder }: ChaosResult
): void {
  const kinds = Object.entries({ lost, doubled, stuck, broken })
  for (const [kind, faults] of kinds)
    for (const fault of faults) console.log(`${part}: ${kind}: ${fault}`)
  if (folder)
    console.log(
      `${part}: see ${folder}; again: npm run chaos -- --kills ${share} --seed ${seed} --parts ${part}`
    )
}

/** Answers how many points were not reached though there were kills enough for each. */
function sayPoints(at: Map<string, number>): number {
  const all = new Map(chosen.flatMap(pointsOf).map(({ name, words }) => [name, words]))
  for (const [name, words] of all)
    console.log(`${String(at.get(name) ?? 0).padStart(5)} ${name.padEnd(22)} ${words}`)
  const missing = [...all.keys()].filter(name => !at.has(name))
  if (missing.length === 0 || kills < enoughFor(all.size)) return 0
  console.log(`never reached: ${missing.join(', ')}`)
  return missing.length
}

function enoughFor(count: number): number {
  return 1.75 * count
}

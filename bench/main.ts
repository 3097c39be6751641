/** npm run bench: figures as ratios, measured side by side in one run. Names select parts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { withTraining } from '../scripts/training.ts'
import { type Figure, verdict } from './figure.ts'
import type { BenchOptions, Part } from './part.ts'
import { parts } from './parts/index.ts'
import { printFigure } from './print-figure.ts'
import { saveResults } from './results.ts'

const usage = `npm run bench [-- NAME...] [--rounds N] [--quick] [--save]

${Object.entries(parts)
  .map(([name, { about }]) => `  ${name.padEnd(16)} ${about}`)
  .join('\n')}

  --rounds N       measures each in so many turns (5)
  --quick          one turn of less work; ends with 1 where a ratio is worse than half of its target
  --save           writes bench/results/NAME.json, and docs/performance.md from all of them

Without a name, all of them.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' }
  }
})
const names = positionals.length > 0 ? positionals : Object.keys(parts)
const unknown = names.filter(name => !(name in parts))
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
if (values.help) console.log(usage)
else if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  const fault =
    unknown.length > 0
      ? `There is no part "${unknown.join('", "')}".`
      : '--rounds takes a number from 1.'
  console.error(`${fault}\n\n${usage}`)
  process.exitCode = 2
} else
  process.exitCode = await withTraining(training =>
    measureAll({ ...training, rounds, quick: values.quick })
  )

/** Answers the exit code. */
async function measureAll(options: Omit<BenchOptions, 'folder' | 'say'>): Promise<number> {
  const gross: string[] = []
  let count = 0
  for (const name of names) {
    const part = parts[name as keyof typeof parts]
    console.log(`${name}: ${part.about}`)
    const figures = await measure(part, options)
    for (const figure of figures) printFigure(figure)
    if (values.save) await saveResults(name, figures, options)
    gross.push(
      ...figures.filter(figure => verdict(figure) === 'gross').map(({ what }) => `${name}: ${what}`)
    )
    count += figures.length
  }
  for (const one of gross) console.log(`Worse than half of its target: ${one}`)
  console.log(`bench: ${count} figures, ${gross.length} grossly worse than their targets`)
  return gross.length > 0 ? 1 : 0
}

async function measure(
  part: Part,
  options: Omit<BenchOptions, 'folder' | 'say'>
): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-bench-'))
  try {
    return await part.run({ ...options, folder, say: text => console.log(`  ${text}`) })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

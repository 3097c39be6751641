/** One figure as lines for a terminal. */
import { type Figure, judgedSpread, spread, spreadText, targetText, verdict } from './figure.ts'

export function printFigure(figure: Figure): void {
  const { what, unit, ours, against, target } = figure
  const width = 46
  console.log(`  ${what.padEnd(width)} ${spreadText(spread(ours))} ${unit}`)
  if (against) {
    console.log(
      `    ${against.what.padEnd(width - 2)} ${spreadText(spread(against.values))} ${unit}`
    )
    console.log(`    ${'ratio'.padEnd(width - 2)} ${spreadText(judgedSpread(figure))}`)
  }
  if (target)
    console.log(
      `    ${'target'.padEnd(width - 2)} ${targetText(target)}: ${words[verdict(figure)]}`
    )
}

const words = { reached: 'reached', missed: 'missed', gross: 'missed by more than half', none: '' }

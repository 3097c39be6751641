/** docs/performance.md and its charts, made of the results. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chart } from './chart.ts'
import {
  type Figure,
  judgedSpread,
  spread,
  spreadText,
  targetText,
  type Verdict,
  verdict
} from './figure.ts'
import type { Results } from './results.ts'

const docs = join(import.meta.dirname, '../docs')

export async function writePage(results: Results[]): Promise<void> {
  await mkdir(join(docs, 'performance'), { recursive: true })
  for (const each of results)
    if (each.figures.some(({ against }) => against))
      await writeFile(join(docs, 'performance', `${each.part}.svg`), chart(each))
  await writeFile(join(docs, 'performance.md'), pageOf(results))
}

const pageOf = (results: Results[]) => `# Performance

Made by \`npm run bench -- --save\` from \`bench/results\`; not to be edited. Each figure is measured side by side with what
it is compared with, in turns, in one run on one machine; given are the median and, in brackets, the least and the most of
all rounds. Ratios are ours to the other's; only they say something about another machine.

${results.map(sectionOf).join('\n')}`

function sectionOf(results: Results): string {
  const { part, figures, machine, versions, commit, measuredAt, rounds } = results
  const where = `${machine.cores} cores of ${machine.processor}, ${machine.memoryGiB} GiB, Linux ${machine.linux}`
  const what = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const picture = figures.some(({ against }) => against)
    ? `\n![${part}](performance/${part}.svg)\n`
    : ''
  return `## ${part}

| what | ours | against | ratio | target | |
| --- | --- | --- | --- | --- | --- |
${figures.map(rowOf).join('\n')}
${picture}
${measuredAt.slice(0, 10)}, commit ${commit}, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; ${where}; ${what.join(', ')}.
`
}

function rowOf(figure: Figure): string {
  const { what, unit, ours, against, target } = figure
  const other = against ? `${against.what}: ${spreadText(spread(against.values))} ${unit}` : ''
  const ratio = against ? spreadText(judgedSpread(figure)) : ''
  const cells = [what, `${spreadText(spread(ours))} ${unit}`, other, ratio]
  return `| ${[...cells, targetText(target), words[verdict(figure)]].join(' | ')} |`
}

const words: Record<Verdict, string> = {
  reached: 'reached',
  missed: 'missed',
  gross: 'missed',
  none: ''
}

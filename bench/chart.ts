/** Ratios as bars in an SVG, with their spread and target. */
import { digits, type Figure, judgedSpread, verdict } from './figure.ts'
import type { Results } from './results.ts'

const width = 760
const left = 330
const right = 90
const rowHeight = 34
const top = 30

/** One bar for each figure that is compared with something; 1 is as good as that. */
export function chart({ part, figures }: Results): string {
  const compared = figures.filter(({ against }) => against)
  const most = Math.max(
    1,
    ...compared.map(figure => Math.max(judgedSpread(figure).most, limitOf(figure)))
  )
  const scale = (value: number) => left + ((width - left - right) * value) / most
  const height = top + compared.length * rowHeight + 10
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="${escapeXml(part)}: ratios">
<rect width="${width}" height="${height}" fill="#fff"/>
<line x1="${scale(1)}" x2="${scale(1)}" y1="${top - 8}" y2="${height - 6}" stroke="#999" stroke-dasharray="3 3"/>
<text x="${scale(1)}" y="${top - 12}" text-anchor="middle" fill="#666">1 = the other</text>
${compared.map((figure, n) => row(figure, top + n * rowHeight, scale)).join('\n')}
</svg>
`
}

function row(figure: Figure, y: number, scale: (value: number) => number): string {
  const { median, least, most } = judgedSpread(figure)
  const middle = y + rowHeight / 2
  const colour = { reached: '#2a7f4f', missed: '#c77700', gross: '#b3261e', none: '#4a6fa5' }[
    verdict(figure)
  ]
  const limit = limitOf(figure)
  const mark = limit
    ? `<line x1="${scale(limit)}" x2="${scale(limit)}" y1="${y + 4}" y2="${y + rowHeight - 4}" stroke="#000" stroke-width="2"><title>target</title></line>`
    : ''
  return `<text x="${left - 8}" y="${middle - 3}" text-anchor="end">${escapeXml(figure.what)}</text>
<text x="${left - 8}" y="${middle + 11}" text-anchor="end" fill="#666" font-size="10">${escapeXml(figure.against?.what ?? '')}</text>
<rect x="${left}" y="${y + 8}" width="${Math.max(1, scale(median) - left)}" height="${rowHeight - 16}" fill="${colour}"/>
<line x1="${scale(least)}" x2="${scale(most)}" y1="${middle}" y2="${middle}" stroke="#000"/>
${mark}
<text x="${scale(most) + 6}" y="${middle + 4}">${digits(median)}</text>`
}

function limitOf({ target }: Figure): number {
  if (!target) return 0
  return 'atMost' in target ? target.atMost : target.atLeast
}

const escapeXml = (text: string) => text.replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`)

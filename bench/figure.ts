/** What was measured, round by round, and how it is judged. */

export interface Figure {
  what: string
  unit: string
  /** One value a round. */
  ours: number[]
  /** What it is measured against, in the same rounds. Without it the values are judged as they are. */
  against?: { what: string; values: number[] }
  /** Of the ratio ours / against's, or of the values. */
  target?: Target
}

export type Target = { atMost: number } | { atLeast: number }

export interface Spread {
  median: number
  least: number
  most: number
}

/** gross: so far from the target that CI fails; only ratios are ever that, for machines differ. */
export type Verdict = 'reached' | 'missed' | 'gross' | 'none'

/** Of each round's ratio where there is a reference, else of the values. */
export function judgedSpread({ ours, against }: Figure): Spread {
  return spread(against ? ours.map((value, n) => value / (against.values[n] ?? 0)) : ours)
}

export function verdict(figure: Figure): Verdict {
  const { target, against } = figure
  if (!target) return 'none'
  const { median } = judgedSpread(figure)
  const share = 'atMost' in target ? median / target.atMost : target.atLeast / median
  if (share <= 1) return 'reached'
  return against && share > 2 ? 'gross' : 'missed'
}

export function spread(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
  return { median: at(0.5), least: at(0), most: at(1) }
}

/** The value that so large a share of all does not exceed. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** `0.42 [0.40 - 0.47]`, with three digits that count. */
export const spreadText = ({ median, least, most }: Spread) =>
  least === most ? digits(median) : `${digits(median)} [${digits(least)} - ${digits(most)}]`

export const targetText = (target: Target | undefined) =>
  target === undefined
    ? ''
    : 'atMost' in target
      ? `at most ${digits(target.atMost)}`
      : `at least ${digits(target.atLeast)}`

export function digits(value: number): string {
  if (!Number.isFinite(value)) return 'none'
  return Math.abs(value) >= 100 ? value.toFixed(0) : `${Number(value.toPrecision(3))}`
}

/** Median and spread of some figures, as text. */
export function summary(figures: number[]): string {
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (share: number) =>
    (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(2)
  return `${at(0.5)} [${at(0)} - ${at(1)}]`
}

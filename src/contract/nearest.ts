/** "Did you mean": the known name that is closest to what was written. */

/**
 * The nearest of the known names, or undefined where none is near: names that differ by case or by `-` and `_`
 * first, then by at most a third of their characters.
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > longest) return undefined
  const folded = fold(name)
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1
  let compared = 0
  for (const candidate of known) {
    if (++compared > comparedLimit) break
    if (candidate === name || candidate.length > longest) continue
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue
    const distance = editDistance(folded, fold(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** The words `; did you mean "x"?`, or the alternative where nothing is near. */
export function didYouMean(name: string, known: Iterable<string>, otherwise = ''): string {
  const near = nearest(name, known)
  return near === undefined ? otherwise : `; did you mean "${near}"?`
}

// The distance costs the product of both lengths: names beyond this are not compared.
const longest = 64
const comparedLimit = 1000

const fold = (name: string) => name.toLowerCase().replaceAll('-', '_')

// Optimal string alignment: a swap of neighbours, the commonest slip, counts as one.
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1)
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}

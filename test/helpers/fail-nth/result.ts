/** What failures led to, over all layers. */

export interface FaultsResult {
  /** What a site's failures led to: "submit: store.insert" -> "error -> 503". */
  outcomes: Map<string, string[]>
  failures: number
  /** Of each operation, how many failures were set up for a call that did not come. */
  missed: Map<string, number>
  /** Each a sentence; none of all three is what is wanted. */
  undocumented: string[]
  /** Rejections that nobody caught, and processes that ended by themselves. */
  unhandled: string[]
  /** What was left over. */
  leaks: string[]
  /** Each operation when it is done. */
  tell(): void
}

export const createResult = (tell: (result: FaultsResult) => void = () => {}): FaultsResult => ({
  outcomes: new Map(),
  failures: 0,
  missed: new Map(),
  undocumented: [],
  unhandled: [],
  leaks: [],
  tell() {
    tell(this)
  }
})

export function addOutcome(result: FaultsResult, site: string, outcome: string): void {
  result.failures++
  result.outcomes.set(site, [...(result.outcomes.get(site) ?? []), outcome])
}

export function addMiss({ missed }: FaultsResult, operation: string): void {
  missed.set(operation, (missed.get(operation) ?? 0) + 1)
}

/** Operations of which nothing failed, whatever was set up: of them nothing was shown. */
export const neverReached = ({ missed, outcomes }: FaultsResult): string[] =>
  [...missed.keys()].filter(
    operation => ![...outcomes.keys()].some(site => site.startsWith(`${operation}: `))
  )

export const isClean = (result: FaultsResult) =>
  result.undocumented.length + result.unhandled.length + result.leaks.length === 0 &&
  neverReached(result).length === 0

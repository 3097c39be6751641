/** What failures led to, over all layers. */

export interface FaultsResult {
  /** What a site's failures led to: "submit: store.insert" -> "error -> 503". */
  outcomes: Map<string, string[]>
  failures: number
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

export const isClean = ({ undocumented, unhandled, leaks }: FaultsResult) =>
  undocumented.length + unhandled.length + leaks.length === 0

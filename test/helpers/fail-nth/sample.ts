/** A sample fixed by its seed: which failures are tried where there is no time for each. */
import { createRandom } from '../sagemaker/knobs.ts'

export interface Sample {
  seed: number
  /** How many of each operation. */
  count: number
}

/** All of them without a sample; in their order. */
export function sampled<Item>(items: Item[], sample: Sample | undefined): Item[] {
  if (!sample || items.length <= sample.count) return items
  const random = createRandom(sample.seed)
  const drawn = items
    .map((item, at) => ({ item, at, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, sample.count)
  return drawn.sort((a, b) => a.at - b.at).map(({ item }) => item)
}

/** Chance, the same for the same seed and name. */
import { createHash } from 'node:crypto'
import { createRandom } from '../sagemaker/knobs.ts'

export interface Chance {
  /** From 0 to 1. */
  next(): number
  happens(probability: number): boolean
  pick<Item>(items: Item[]): Item | undefined
  shuffled<Item>(items: Item[]): Item[]
}

export function createChance(seed: number, name: string): Chance {
  const bits = createHash('sha256').update(`${seed} ${name}`).digest().readInt32LE()
  const next = createRandom(bits)
  return {
    next,
    happens: probability => next() < probability,
    pick: items => items[Math.floor(next() * items.length)],
    shuffled: items =>
      items
        .map(item => ({ item, at: next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item)
  }
}

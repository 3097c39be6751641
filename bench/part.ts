/** A part of the benchmark: what it is given, and what it answers. */
import type { Training } from '../scripts/training.ts'
import type { Figure } from './figure.ts'

export interface BenchOptions extends Training {
  rounds: number
  /** A look at whether it works at all, on a machine that has other things to do. */
  quick: boolean
  /** A folder of this part's own, removed after it. */
  folder: string
  say(text: string): void
}

export interface Part {
  /** A sentence for people who choose. */
  about: string
  run(options: BenchOptions): Promise<Figure[]>
}

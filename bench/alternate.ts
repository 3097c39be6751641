/** Measures several things in turns, so that what else the machine does meets all of them. */
import { digits } from './figure.ts'
import type { BenchOptions } from './part.ts'

/** One value a round and measure; every other round goes backwards, for the one before may leave something behind. */
export async function alternate<Name extends string>(
  { rounds, say }: Pick<BenchOptions, 'rounds' | 'say'>,
  measures: Record<Name, () => Promise<number>>
): Promise<Record<Name, number[]>> {
  const names = Object.keys(measures) as Name[]
  const values = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<
    Name,
    number[]
  >
  for (let round = 1; round <= rounds; round++) {
    for (const name of round % 2 ? names : names.toReversed())
      values[name].push(await measures[name]())
    say(
      `round ${round} of ${rounds}: ${names.map(name => `${name} ${digits(values[name].at(-1) ?? 0)}`).join(', ')}`
    )
  }
  return values
}

/** Seconds. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return (performance.now() - start) / 1000
}

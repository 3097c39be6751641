/** Which kills come, in which order. */
import { type CrashPoint, type Part, parts, points, pointsOf } from './points.ts'
import type { Chance } from './random.ts'

export interface Kill {
  /** There, as it is passed for the n-th time; at a moment without it. */
  point?: CrashPoint
  nth: number
  /** The moment; with a point, when nobody waits for it any longer. */
  afterMilliseconds: number
  /** It counts from when the service serves, not from when its process was started. */
  serving: boolean
}

const namedShare = 0.7
const startingShare = 0.4
const startingMilliseconds = 1_500
const servingMilliseconds = 2_500
const patienceMilliseconds = 30_000

/** A part's own points come first, then those of all parts, each part beginning with others of them. */
export function planKills(part: Part, kills: number, chance: Chance): Kill[] {
  const shared = points.filter(point => !point.parts)
  const offset = Math.round((shared.length * parts.indexOf(part)) / parts.length)
  const own = pointsOf(part).filter(point => point.parts)
  const inTurn = [...own, ...shared.slice(offset), ...shared.slice(0, offset)]
  const named = Math.round(kills * namedShare)
  const kill = (n: number): Kill => {
    const point = n < named ? inTurn[n % inTurn.length] : undefined
    const nth = n < inTurn.length ? 1 : 1 + Math.floor(chance.next() * 3)
    if (point) return { point, nth, afterMilliseconds: patienceMilliseconds, serving: true }
    const serving = !chance.happens(startingShare)
    const latest = serving ? servingMilliseconds : startingMilliseconds
    return { nth, afterMilliseconds: Math.round(chance.next() * latest), serving }
  }
  return chance.shuffled(Array.from({ length: kills }, (_, n) => kill(n)))
}

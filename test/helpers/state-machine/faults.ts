/** Calls that fail, or take long, when they are told to; and callers that die and hear of no answer any more. */

export const faultKinds = ['error', 'lost', 'slow', 'slow answer'] as const
/**
 * error: it is not done. lost: it is done, and the answer is an error. slow: it is done when it is released. slow answer:
 * it is done now, and the answer comes when it is released.
 */
export type FaultKind = (typeof faultKinds)[number]

/** Told by its name: what a job says of an error is a copy of it, without its secrets. */
export class Injected extends Error {
  override name = 'Injected'
}

export interface Caller {
  dead: boolean
}

export interface Faults {
  /** The next call of that site, such as "store.save". */
  next(site: string, kind: FaultKind): void
  /** Lets the n-th of those go on that wait. */
  release(nth: number): void
  /** No more faults, and nobody waits. */
  heal(): void
  /** How many calls there were. */
  calls(): number
  /** The object as this caller reaches it; of its methods these can fail. */
  between<Target extends object>(
    caller: Caller,
    name: string,
    target: Target,
    methods: readonly (keyof Target & string)[]
  ): Target
}

const never = new Promise<never>(() => {})

export function createFaults(): Faults {
  const planned = new Map<string, FaultKind[]>()
  let waiting: (() => void)[] = []
  let calls = 0

  const wait = () => new Promise<void>(resolve => void waiting.push(resolve))

  async function call(caller: Caller, site: string, act: () => unknown): Promise<unknown> {
    calls++
    const kind = planned.get(site)?.shift()
    if (caller.dead) return never
    if (kind === 'error') throw new Injected(site)
    if (kind === 'slow') await wait()
    if (caller.dead) return never
    const [answer] = await Promise.allSettled([(async () => act())()])
    if (kind === 'slow answer') await wait()
    calls++
    // Who is dead hears of nothing, and what is lost is lost, whatever came of it.
    if (caller.dead) return never
    if (kind === 'lost') throw new Injected(site)
    if (answer.status === 'rejected') throw answer.reason
    return answer.value
  }

  return {
    next: (site, kind) => void planned.set(site, [...(planned.get(site) ?? []), kind]),
    release(nth) {
      const [one] = waiting.splice(nth % Math.max(1, waiting.length), 1)
      one?.()
    },
    heal() {
      planned.clear()
      for (const one of waiting) one()
      waiting = []
    },
    calls: () => calls,
    between(caller, name, target, methods) {
      const changed: Record<string, unknown> = {}
      for (const method of methods) {
        const act = target[method] as (...given: unknown[]) => unknown
        changed[method] = (...given: unknown[]) =>
          call(caller, `${name}.${method}`, () => act(...given))
      }
      return { ...target, ...changed }
    }
  }
}

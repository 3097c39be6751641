/** The calls that an operation makes of store, storage and backend, in their order; the n-th of them fails. */
import { type Armed, createCountdown } from './countdown.ts'

export const failures = ['error', 'timeout', 'full', 'lost'] as const
/** The first three: it is not done, and the error says so in its own way. lost: it is done, and the answer is an error. */
export type Failure = (typeof failures)[number]

/** A site is such as "store.save". */
export interface NthCall extends Armed<Failure> {
  between<Target extends object>(
    name: string,
    target: Target,
    methods: readonly (keyof Target & string)[],
    errorOf: (failure: Failure) => Error
  ): Target
}

export function createNthCall(): NthCall {
  const { arm, disarm, next, note } = createCountdown<Failure>()

  async function call(site: string, act: () => unknown, errorOf: (failure: Failure) => Error) {
    const failure = next()
    if (!failure) return act()
    note(site)
    if (failure === 'lost') await act()
    throw errorOf(failure)
  }

  return {
    arm,
    disarm,
    between(name, target, methods, errorOf) {
      const changed: Record<string, unknown> = {}
      for (const method of methods) {
        const act = target[method] as (...given: unknown[]) => unknown
        changed[method] = (...given: unknown[]) =>
          call(`${name}.${method}`, () => act(...given), errorOf)
      }
      return { ...target, ...changed }
    }
  }
}

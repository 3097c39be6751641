/** The calls that an operation makes of store, storage and backend, in their order; the n-th of them fails. */

export const failures = ['error', 'timeout', 'full', 'lost'] as const
/** The first three: it is not done, and the error says so in its own way. lost: it is done, and the answer is an error. */
export type Failure = (typeof failures)[number]

export interface NthCall {
  /** From now on calls count; the n-th fails so. */
  arm(nth: number, failure: Failure): void
  /** Calls count no more. Answers how many there were, and which one failed, such as "store.save". */
  disarm(): { count: number; failed: string | undefined }
  between<Target extends object>(
    name: string,
    target: Target,
    methods: readonly (keyof Target & string)[],
    errorOf: (failure: Failure) => Error
  ): Target
}

export function createNthCall(): NthCall {
  let plan: { nth: number; failure: Failure } | undefined
  let calls = 0
  let failed: string | undefined

  async function call(site: string, act: () => unknown, errorOf: (failure: Failure) => Error) {
    if (!plan || ++calls !== plan.nth) return act()
    failed = site
    const { failure } = plan
    if (failure === 'lost') await act()
    throw errorOf(failure)
  }

  return {
    arm(nth, failure) {
      plan = { nth, failure }
      calls = 0
      failed = undefined
    },
    disarm() {
      plan = undefined
      return { count: calls, failed }
    },
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

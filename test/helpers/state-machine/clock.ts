/** Time that stands still until a test moves it: the wall clock, which may jump, and the monotonic one, which may not. */

export interface Clock {
  /** Both go on by so many milliseconds. */
  pass(milliseconds: number): void
  /** The wall clock alone is set, forward or back. */
  jump(milliseconds: number): void
  restore(): void
}

export function takeClock(start = Date.UTC(2026, 0, 2, 3, 4, 5)): Clock {
  const RealDate = globalThis.Date
  let wall = start
  let monotonic = 0
  globalThis.Date = class extends RealDate {
    constructor(...given: [] | [value: number | string | Date]) {
      super(given[0] ?? wall)
    }
    static override now() {
      return wall
    }
  } as DateConstructor
  Object.defineProperty(performance, 'now', { value: () => monotonic, configurable: true })
  return {
    pass(milliseconds) {
      wall += milliseconds
      monotonic += milliseconds
    },
    jump(milliseconds) {
      wall += milliseconds
    },
    restore() {
      globalThis.Date = RealDate
      Reflect.deleteProperty(performance, 'now')
    }
  }
}

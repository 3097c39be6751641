/** Sequences of commands, made by fast-check, over the world of jobs. */
import fc from 'fast-check'
import type { Store } from '../../../src/server/store/index.ts'
import { takeClock } from './clock.ts'
import { faultKinds } from './faults.ts'
import { ends, looks, startKinds } from './remote.ts'
import { createWorld, sites, type World } from './world.ts'

export interface StateMachineOptions {
  /** An empty one; it is empty again afterwards. */
  store: Store
  sequences: number
  seed: number
  onProgress?(sequences: number): void
}

export interface StateMachineResult {
  commands: number
  /** Each says what was wrong, and the shortest sequence that leads there. */
  broken: string[]
}

/** Counted in the steps of a batch: what fast-check is asked for at once, so that progress can be told. */
const batch = 1000

export async function runStateMachine(options: StateMachineOptions): Promise<StateMachineResult> {
  const { store, sequences, seed, onProgress } = options
  const clock = takeClock()
  const result: StateMachineResult = { commands: 0, broken: [] }
  const property = fc.asyncProperty(
    commands(() => result.commands++),
    async given => {
      const world = createWorld(store, clock)
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: world }), given)
      } finally {
        await world.end()
      }
    }
  )
  try {
    for (let done = 0; done < sequences; done += batch) {
      const numRuns = Math.min(batch, sequences - done)
      const details = await fc.check(property, { seed: seed + done / batch, numRuns })
      if (details.failed)
        result.broken.push(`${fc.defaultReportMessage(details)}\n${details.errorInstance}`)
      onProgress?.(done + numRuns)
    }
  } finally {
    clock.restore()
  }
  return result
}

type Action = (world: World) => void
type Model = Record<string, never>

/** A command is possible always: jobs are named by their number, whatever there is. */
function command(count: () => void, name: string, act: Action): fc.AsyncCommand<Model, World> {
  return {
    check: () => true,
    async run(_, world) {
      count()
      act(world)
      await world.check()
    },
    toString: () => name
  }
}

const job = fc.nat(3)
const second = 1000
const day = 24 * 60 * 60 * second

function commands(count: () => void) {
  const on = <Given extends unknown[]>(
    name: string,
    act: (world: World, ...given: Given) => void,
    ...given: { [K in keyof Given]: fc.Arbitrary<Given[K]> }
  ) =>
    fc
      .tuple(...(given as fc.Arbitrary<unknown>[]))
      .map(values =>
        command(count, `${name}(${values.join(', ')})`, world => act(world, ...(values as Given)))
      )
  const times = (weight: number, one: fc.Arbitrary<fc.AsyncCommand<Model, World>>) =>
    Array.from({ length: weight }, () => one)
  return fc.commands(
    [
      ...times(
        3,
        on('submit', world => world.submit())
      ),
      ...times(
        2,
        on('stop', (world, id: number) => world.stop(id), job)
      ),
      ...times(
        2,
        on('remove', (world, id: number) => world.remove(id), job)
      ),
      ...times(
        4,
        on(
          'progress',
          (world, id: number, end: (typeof ends)[number]) => world.progress(id, end),
          job,
          fc.constantFrom(...ends)
        )
      ),
      ...times(
        3,
        on(
          'pass',
          (world, time: number) => world.pass(time),
          fc.constantFrom(1, second, 11 * second, 31 * day)
        )
      ),
      on(
        'jump',
        (world, time: number) => world.jump(time),
        fc.constantFrom(-day, -second, second, day)
      ),
      ...times(
        2,
        on('crash', world => world.crash())
      ),
      on('refuseStop', (world, id: number) => world.refuseStop(id), job),
      ...times(
        2,
        on(
          'nextLook',
          (world, id: number, look: (typeof looks)[number]) => world.nextLook(id, look),
          job,
          fc.constantFrom(...looks)
        )
      ),
      ...times(
        2,
        on(
          'nextStart',
          (world, kind: (typeof startKinds)[number]) => world.nextStart(kind),
          fc.constantFrom(...startKinds)
        )
      ),
      ...times(
        4,
        on(
          'nextCall',
          (world, site: string, kind: (typeof faultKinds)[number]) => world.nextCall(site, kind),
          fc.constantFrom(...sites),
          fc.constantFrom(...faultKinds)
        )
      ),
      ...times(
        2,
        on('release', (world, number: number) => world.release(number), job)
      )
    ],
    { maxCommands: 25, size: 'max' }
  )
}

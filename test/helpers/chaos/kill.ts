/** Kills the services, one after the other kill of the plan, and starts them again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Killable } from '../killable.ts'
import type { Kill } from './plan.ts'
import type { CrashPoint } from './points.ts'

export interface Killed {
  kills: number
  /** Point -> how often the service was killed there. */
  at: Map<string, number>
  /** Services that ended by themselves, in sentences. */
  broken: string[]
}

/** A point that is not passed in time is tried again in the place of a kill at a moment, or in addition. */
const tries = 4

/** Leaves the services serving. `armed`: the points that are waited for. */
export async function killServices(
  services: Killable[],
  plan: Kill[],
  armed: Set<CrashPoint>,
  onProgress: (text: string) => void
): Promise<Killed> {
  const killed: Killed = { kills: 0, at: new Map(), broken: [] }
  const left = [...plan]
  let total = left.length
  const missed = new Map<string, number>()

  async function killInTurn(service: Killable): Promise<void> {
    for (let kill = left.shift(); kill; kill = left.shift()) {
      const where = await killOnce(service, kill)
      killed.kills++
      onProgress(`kill ${killed.kills} of ${total}: ${where}`)
    }
    if (!(await service.start())) killed.broken.push('The service does not start any more.')
  }

  async function killOnce(service: Killable, kill: Kill): Promise<string> {
    const { point, nth, afterMilliseconds, serving } = kill
    if (point) armed.add(point)
    const started = service.start(point && `${point.name}:${nth}`)
    const patience = new AbortController()
    const { signal } = patience
    const time = async () => {
      if (serving) await started
      await sleep(afterMilliseconds, undefined, { signal }).catch(() => {})
    }
    const ended = await Promise.race([service.exited(), time()])
    patience.abort()
    if (ended !== undefined && ended !== 'SIGKILL')
      killed.broken.push(`The service ended by itself: ${ended}.`)
    if (ended === undefined) await service.kill()
    await started
    if (point) armed.delete(point)
    if (!point) return `${afterMilliseconds} ms after it ${serving ? 'served' : 'was started'}`
    if (ended === undefined) return miss(kill, point.name)
    killed.at.set(point.name, (killed.at.get(point.name) ?? 0) + 1)
    return `at ${point.name}`
  }

  function miss(kill: Kill, name: string): string {
    const times = (missed.get(name) ?? 0) + 1
    missed.set(name, times)
    if (times < tries) {
      const replaced = left.findIndex(({ point }) => !point)
      left.splice(replaced < 0 ? left.length : replaced, 1, { ...kill, nth: 1 })
      if (replaced < 0) total++
    }
    return `${name} was not passed`
  }

  await Promise.all(services.map(killInTurn))
  return killed
}

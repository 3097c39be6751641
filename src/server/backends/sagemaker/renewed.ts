/** One backend after the other, as this process moves jobs on and rests by turns; to its callers it is the same one. */
import type { Backend, Permit } from '../index.ts'

export interface Backends {
  inCharge(permit: Permit): Backend
  atRest(): Backend
}

export function createRenewed({ inCharge, atRest }: Backends): Backend {
  const listeners: (() => void)[] = []
  let current = atRest()

  async function renew(next: Backend): Promise<void> {
    const before = current
    current = next
    for (const listener of listeners) next.onChange(listener)
    await before.close({ keepServer: true })
  }

  return {
    name: current.name,
    open(permit) {
      renew(inCharge(permit)).catch(() => {})
      current.open(permit)
    },
    rest: () => renew(atRest()),
    onChange(listener) {
      listeners.push(listener)
      current.onChange(listener)
    },
    check: (job, paths) => current.check(job, paths),
    plan: resources => current.plan(resources),
    queueOf: resources => current.queueOf(resources),
    start: (job, signal) => current.start(job, signal),
    observe: ids => current.observe(ids),
    stop: id => current.stop(id),
    log: id => current.log(id),
    forget: id => current.forget(id),
    kept: () => current.kept(),
    pending: () => current.pending(),
    trackingUri: () => current.trackingUri(),
    close: options => current.close(options)
  }
}

/** What a request costs at store and storage, as a number: what takes no longer tells no more. */

export interface ReadCount {
  /** Since it was asked last: calls, and the records and objects that they brought. */
  take(): string[]
  around<Target extends object>(name: string, target: Target): Target
}

export function createReadCount(): ReadCount {
  let noted: string[] = []

  return {
    take() {
      const taken = noted
      noted = []
      return taken
    },

    around(name, target) {
      const counted = Object.entries(target).map(([method, value]) => {
        if (typeof value !== 'function' || beside.has(method)) return [method, value]
        return [method, (...given: unknown[]) => note(`${name}.${method}`, value(...given))]
      })
      return { ...target, ...Object.fromEntries(counted) }
    }
  }

  function note(call: string, answer: unknown): unknown {
    noted.push(call)
    if (!(answer instanceof Promise)) return answer
    return answer.then(brought => {
      const records = Array.isArray(brought) ? brought : isRecord(brought) ? [brought] : []
      noted.push(...records.map(() => `${call} brings one`))
      return brought
    })
  }
}

/** Not asked for what there is. */
const beside = new Set(['uri', 'onChange', 'lead', 'close', 'check'])

/** A job, an object, a stream of one; not a sum, nor whether something was done. */
const isRecord = (brought: unknown) =>
  typeof brought === 'object' && brought !== null && !('queued' in brought)

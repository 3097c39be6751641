import type { Fault } from '../../contract/fault.ts'
import { SubmissionInvalid } from '../errors.ts'

/** Faults that are told one by one; of more, only the number is told. */
const maxFaults = 100

export interface FaultList {
  add(detail: string): void
  /** Throws SUBMISSION_INVALID with all faults, if there are any. */
  throwIfAny(): void
}

/** Gathers what is wrong with an archive, so that all of it is told at once. */
export function createFaultList(): FaultList {
  const faults: Fault[] = []
  let more = 0
  return {
    add(detail) {
      if (faults.length < maxFaults) {
        faults.push({ pointer: '/project', detail })
      } else {
        more += 1
      }
    },
    throwIfAny() {
      if (more > 0) {
        faults.push({
          pointer: '/project',
          detail: `There ${more === 1 ? 'is one more fault' : `are ${more} more faults`} of this kind.`
        })
        more = 0
      }
      if (faults.length > 0) {
        throw new SubmissionInvalid(faults)
      }
    }
  }
}

/** Ids are in order of creation, and fit for a SageMaker training job's name. */
import { decodeTime, monotonicFactory } from 'ulid'

/** A clock is set right in small steps. One that was ahead by more is not to be followed: times are looked for by ids. */
const stepMilliseconds = 30 * 60_000

let nextUlid = monotonicFactory()
let latest = 0

/** A kind and a ulid in small letters. Of one process, each is greater than those before it, unless its clock was set back far. */
export function nextId(kind: 'job' | 'batch'): string {
  if (latest - Date.now() > stepMilliseconds) nextUlid = monotonicFactory()
  const ulid = nextUlid()
  latest = decodeTime(ulid)
  return `${kind}-${ulid.toLowerCase()}`
}

/**
 * Fails the n-th call of every operation, for every n and in every way, asks once more after a restart, and tells what is
 * not as it must be: an answer that no document has, something left over, a job lost or doubled, a promise nobody caught.
 */
import { type Failure, failures } from './nth-call.ts'
import { cutOff, type Operation, operations } from './operations.ts'
import { createStage } from './stage.ts'

export interface FaultsResult {
  /** What a site's failures led to: "submit: store.insert" -> "error -> 503". */
  outcomes: Map<string, string[]>
  failures: number
  undocumented: string[]
}

export async function failEveryCall(only?: string[]): Promise<FaultsResult> {
  const result: FaultsResult = { outcomes: new Map(), failures: 0, undocumented: [] }
  const unhandled = (reason: unknown) => result.undocumented.push(`nobody caught ${reason}`)
  process.on('unhandledRejection', unhandled)
  try {
    for (const operation of operations)
      if (!only || only.includes(operation.name))
        for (const failure of failures)
          for (let nth = 1; await failOnce(operation, nth, failure, result); nth++) {}
  } finally {
    process.off('unhandledRejection', unhandled)
  }
  return result
}

/** false where the operation makes fewer calls. */
async function failOnce(
  operation: Operation,
  nth: number,
  failure: Failure,
  result: FaultsResult
): Promise<boolean> {
  const { outcomes, undocumented } = result
  const stage = await createStage()
  try {
    await operation.prepare(stage)
    stage.calls.arm(nth, failure)
    const status = await operation.act(stage)
    const site = stage.calls.disarm()
    if (site === undefined) return false
    const faults = isDocumented(status) ? [] : [`the answer is ${status}`]
    if (status !== 0) faults.push(...(await stage.leftovers()))
    await stage.restart()
    const again = await operation.act(stage)
    if (!operation.again.includes(again)) faults.push(`the second answer is ${again}`)
    faults.push(...(await operation.check(stage)), ...(await stage.leftovers()))
    result.failures++
    const place = `${operation.name}: ${site}`
    outcomes.set(place, [...(outcomes.get(place) ?? []), `${failure} -> ${wordsOf(status)}`])
    undocumented.push(...faults.map(fault => `${place} (call ${nth}), ${failure}: ${fault}`))
    return true
  } finally {
    await stage.close()
  }
}

const wordsOf = (status: number) =>
  status === cutOff ? 'cut off' : status === 0 ? 'tried again' : `${status}`

/** 0: nobody was answered. */
const isDocumented = (status: number) => status < 500 || status === 503

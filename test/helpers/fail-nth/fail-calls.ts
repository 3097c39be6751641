/**
 * Fails the n-th call of every operation, for every n and in every way, asks once more after a restart, and tells what is
 * not as it must be: an answer that no document has, something left over, a job lost or doubled, a promise nobody caught.
 */
import { type Failure, failures } from './nth-call.ts'
import { cutOff, type Operation, operations } from './operations.ts'
import { addOutcome, type FaultsResult } from './result.ts'
import { createStage } from './stage.ts'

export async function failEveryCall(result: FaultsResult, only?: string[]): Promise<void> {
  const unhandled = (reason: unknown) => result.unhandled.push(`nobody caught ${reason}`)
  process.on('unhandledRejection', unhandled)
  try {
    for (const operation of operations)
      if (!only || only.includes(operation.name))
        for (const failure of failures)
          for (let nth = 1; await failOnce(operation, nth, failure, result); nth++) {}
  } finally {
    process.off('unhandledRejection', unhandled)
  }
}

/** false where the operation makes fewer calls. */
async function failOnce(
  operation: Operation,
  nth: number,
  failure: Failure,
  result: FaultsResult
): Promise<boolean> {
  const stage = await createStage()
  try {
    await operation.prepare(stage)
    stage.calls.arm(nth, failure)
    const status = await operation.act(stage)
    const site = stage.calls.disarm()
    if (site === undefined) return false
    const place = `${operation.name}: ${site}`
    const tell = (fault: string) => `${place} (call ${nth}), ${failure}: ${fault}`
    addOutcome(result, place, `${failure} -> ${wordsOf(status)}`)
    if (!isDocumented(status)) result.undocumented.push(tell(`the answer is ${status}`))
    if (status !== 0) result.leaks.push(...(await stage.leftovers()).map(tell))
    await stage.restart()
    const again = await operation.act(stage)
    if (!operation.again.includes(again))
      result.undocumented.push(tell(`the second answer is ${again}`))
    result.undocumented.push(...(await operation.check(stage)).map(tell))
    result.leaks.push(...(await stage.leftovers()).map(tell))
    return true
  } finally {
    await stage.close()
  }
}

const wordsOf = (status: number) =>
  status === cutOff ? 'cut off' : status === 0 ? 'tried again' : `${status}`

/** 0: nobody was answered. */
const isDocumented = (status: number) => status < 500 || status === 503

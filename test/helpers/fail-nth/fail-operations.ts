/** Fails the n-th call of every operation, in every way, asks once more after a restart, and tells what is not as it must be. */
import { cutOff, type Operation, operations } from './operations.ts'
import { addMiss, addOutcome, type FaultsResult } from './result.ts'
import { type Sample, sampled } from './sample.ts'
import type { Stage } from './stage.ts'

export interface Layer<Way extends string> {
  ways: readonly Way[]
  only?: string[]
  sample?: Sample
  /** A stage of its own for each failure. */
  open(): Promise<OpenLayer<Way>>
}

interface OpenLayer<Way> {
  stage: Stage
  arm(nth: number, way: Way): void
  /** How many calls there were, and which one failed. */
  disarm(): { count: number; failed: string | undefined }
  close(): void
}

export async function failOperations<Way extends string>(
  result: FaultsResult,
  layer: Layer<Way>
): Promise<void> {
  const unhandled = (reason: unknown) => result.unhandled.push(`nobody caught ${reason}`)
  process.on('unhandledRejection', unhandled)
  try {
    for (const operation of operations) {
      if (layer.only && !layer.only.includes(operation.name)) continue
      const count = await countOf(operation, layer)
      const numbers = Array.from({ length: count }, (_, n) => n + 1)
      const failures = layer.ways.flatMap(way => numbers.map(nth => ({ way, nth })))
      for (const { way, nth } of sampled(failures, layer.sample))
        await failOnce(operation, { way, nth, layer }, result)
      result.tell()
    }
  } finally {
    process.off('unhandledRejection', unhandled)
  }
}

/** How many calls it makes where none fails. */
async function countOf<Way extends string>(operation: Operation, layer: Layer<Way>) {
  const { stage, arm, disarm, close } = await layer.open()
  try {
    stage.patienceMilliseconds = patienceMilliseconds
    await operation.prepare(stage)
    arm(Infinity, layer.ways[0] as Way)
    const status = await operation.act(stage)
    if (!operation.again.includes(status)) throw new Error(`${operation.name}: ${status}`)
    return disarm().count
  } finally {
    await stage.close()
    close()
  }
}

/** Where nothing fails any more. */
const patienceMilliseconds = 30_000

interface Failing<Way extends string> {
  way: Way
  nth: number
  layer: Layer<Way>
}

async function failOnce<Way extends string>(
  operation: Operation,
  { way, nth, layer }: Failing<Way>,
  result: FaultsResult
): Promise<void> {
  const { stage, arm, disarm, close } = await layer.open()
  try {
    await operation.prepare(stage)
    arm(nth, way)
    const status = await operation.act(stage)
    const { failed } = disarm()
    if (failed === undefined) return addMiss(result, operation.name)
    const place = `${operation.name}: ${failed}`
    const tell = (fault: string) => `${place} (call ${nth}), ${way}: ${fault}`
    addOutcome(result, place, `${way} -> ${wordsOf(status)}`)
    if (!isDocumented(status)) result.undocumented.push(tell(`the answer is ${status}`))
    if (status !== 0) result.leaks.push(...(await stage.leftovers()).map(tell))
    await stage.restart()
    stage.patienceMilliseconds = patienceMilliseconds
    const again = await operation.act(stage)
    if (!operation.again.includes(again))
      result.undocumented.push(tell(`the second answer is ${again}`))
    result.undocumented.push(...(await operation.check(stage)).map(tell))
    result.leaks.push(...(await stage.leftovers()).map(tell))
  } finally {
    await stage.close()
    close()
  }
}

const wordsOf = (status: number) =>
  status === cutOff ? 'cut off' : status === 0 ? 'tried again' : `${status}`

/** 0: nobody was answered. */
const isDocumented = (status: number) => status < 500 || status === 503

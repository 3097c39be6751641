/**
 * The service on S3 and SageMaker, of whose requests to AWS one after the other fails: answered by an error, cut off, left
 * without an answer, or done and its answer lost. Then it is restarted, and asked once more.
 */
import { isDocumented, wordsOf } from '../ask.ts'
import { addMiss, addOutcome, type FaultsResult } from '../result.ts'
import { type Sample, sampled } from '../sample.ts'
import { operations, type WireOperation } from './operations.ts'
import { type Way, ways } from './proxy.ts'
import { type Cloud, createWireStage, startCloud } from './stage.ts'

export async function failRequests(
  result: FaultsResult,
  { only, sample }: { only?: string[]; sample?: Sample } = {}
): Promise<void> {
  const unhandled = (reason: unknown) => result.unhandled.push(`nobody caught ${reason}`)
  process.on('unhandledRejection', unhandled)
  const cloud = await startCloud()
  try {
    for (const operation of operations)
      if (!only || only.includes(operation.name)) {
        await failEach(operation, cloud, result, sample)
        result.tell()
      }
  } finally {
    await cloud.close()
    process.off('unhandledRejection', unhandled)
  }
}

async function failEach(
  operation: WireOperation,
  cloud: Cloud,
  result: FaultsResult,
  sample: Sample | undefined
): Promise<void> {
  const count = await countOf(operation, cloud)
  const failures = ways.flatMap(way =>
    Array.from({ length: count }, (_, n) => ({ way, nth: n + 1 }))
  )
  for (const { way, nth } of sampled(failures, sample))
    await failOnce(operation, { way, nth, cloud }, result)
}

let stages = 0
const newStage = (cloud: Cloud) => createWireStage(cloud, `stage-${++stages}/`)

/** How many requests it makes. */
async function countOf(operation: WireOperation, cloud: Cloud): Promise<number> {
  const stage = await newStage(cloud)
  try {
    const id = await operation.prepare(stage)
    cloud.proxy.arm(Infinity, 'error')
    const answer = await operation.act(stage, id)
    if (!operation.again.includes(answer.status))
      throw new Error(`${operation.name}: ${wordsOf(answer)} ${JSON.stringify(answer.body)}`)
    return cloud.proxy.disarm().count
  } finally {
    await stage.close()
  }
}

interface Failure {
  way: Way
  nth: number
  cloud: Cloud
}

async function failOnce(
  operation: WireOperation,
  { way, nth, cloud }: Failure,
  result: FaultsResult
): Promise<void> {
  const stage = await newStage(cloud)
  try {
    const id = await operation.prepare(stage)
    cloud.proxy.arm(nth, way)
    const answer = await operation.act(stage, id)
    const { failed } = cloud.proxy.disarm()
    if (failed === undefined) return addMiss(result, operation.name)
    const site = `${operation.name}: ${failed}`
    const tell = (fault: string) => `${site} (request ${nth}), ${way}: ${fault}`
    addOutcome(result, site, `${way} -> ${wordsOf(answer)}`)
    if (!isDocumented(answer) || answer.status === 0)
      result.undocumented.push(tell(`the answer is ${wordsOf(answer)}`))
    await stage.restart()
    const again = await operation.act(stage, id)
    const refused = failed === 'CreateTrainingJob' && way === 'denied'
    if (!operation.again.includes(again.status))
      result.undocumented.push(tell(`the second answer is ${wordsOf(again)}`))
    result.undocumented.push(...(await operation.check(stage, id, refused)).map(tell))
    result.leaks.push(...(await stage.leftovers()).map(tell))
  } finally {
    await stage.close()
  }
}

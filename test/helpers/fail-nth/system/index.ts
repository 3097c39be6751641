/**
 * The service as a process of its own, of which strace fails one system call after the other: each that an operation
 * makes below DATA_DIR, in each way in which the kernel may refuse it. SQLite's calls are among them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Answer, isDocumented, wordsOf } from '../ask.ts'
import { addOutcome, type FaultsResult } from '../result.ts'
import { type Sample, sampled } from '../sample.ts'
import { attach, threadsOf } from './attach.ts'
import { leavesFile, readCalls, type SystemCall, tracedCalls, waysToFail } from './calls.ts'
import { operations, type SystemOperation } from './operations.ts'
import { createServiceProcess, type ServiceProcess } from './process.ts'

export async function failSystemCalls(
  result: FaultsResult,
  { only, sample }: { only?: string[]; sample?: Sample } = {}
): Promise<void> {
  for (const operation of operations)
    if (!only || only.includes(operation.name)) await failEach(operation, result, sample)
}

async function failEach(operation: SystemOperation, result: FaultsResult, sample?: Sample) {
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-faults-'))
  const service = await createServiceProcess(folder)
  const keys: string[] = []
  const known = new Set<string>()
  const nextKey = () => {
    const key = `key-${keys.length}`
    keys.push(key)
    return key
  }
  try {
    // The first one makes folders and prepares statements.
    await operation.act(service.url, nextKey())
    const calls = await callsOf(operation, service, nextKey(), folder)
    const failures = calls.flatMap(call => waysToFail(call).map(way => ({ call, way })))
    for (const { call, way } of sampled(failures, sample))
      await failOnce({ operation, service, call, way, key: nextKey(), folder, known }, result)
    await service.restart()
    await checkAll(operation, service, keys, result)
  } finally {
    await service.end()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Those that the operation makes below the data folder. */
async function callsOf(
  operation: SystemOperation,
  service: ServiceProcess,
  key: string,
  folder: string
): Promise<SystemCall[]> {
  const strace = await attach(service.pid(), {
    calls: tracedCalls,
    all: true,
    file: join(folder, 'trace')
  })
  await operation.act(service.url, key)
  return readCalls(await strace.detach(), service.dataDir).filter(
    ({ place }) => place !== undefined
  )
}

interface Attempt {
  operation: SystemOperation
  service: ServiceProcess
  call: SystemCall
  way: string
  key: string
  folder: string
  /** What is left over already, told or allowed. */
  known: Set<string>
}

async function failOnce(attempt: Attempt, result: FaultsResult): Promise<void> {
  const { operation, service, call, way, key, folder, known } = attempt
  const { main, pool } = await threadsOf(service.pid())
  const thread = call.thread === main ? main : pool
  const strace = await attach(thread, {
    calls: tracedCalls,
    injection: { call: call.name, nth: call.nth, how: `error=${way}` },
    file: join(folder, 'trace')
  })
  const answer = await operation.act(service.url, key)
  const calls = readCalls(await strace.detach(), service.dataDir, thread)
  const failed = calls.find(({ injected }) => injected)
  // The loop works beside it: a call may have come sooner or later than it did, or belong to something else.
  if (failed?.place === undefined) return
  const site = `${operation.name}: ${failed.name} ${failed.place || 'DATA_DIR'}`
  addOutcome(result, site, `${way} -> ${wordsOf(answer)}`)
  const tell = (fault: string) => `${site} (call ${failed.nth}), ${way}: ${fault}`
  if (!service.isAlive()) {
    result.unhandled.push(tell(`the service has ended: ${service.errors().join('; ')}`))
    await service.start()
  }
  result.undocumented.push(...(await faultsOf(attempt, answer)).map(tell))
  for (const file of await service.leftovers()) {
    if (!leavesFile(failed) && !known.has(file)) result.leaks.push(tell(`tmp/${file} is left over`))
    known.add(file)
  }
}

/** Once more, while the service goes on: nothing of the failure is left in it. */
async function faultsOf({ operation, service, key }: Attempt, answer: Answer): Promise<string[]> {
  const errors = service.errors()
  const faults = isDocumented(answer)
    ? []
    : [`the answer is ${wordsOf(answer)}: ${errors.join('; ')}`]
  const again = await operation.act(service.url, key)
  if (!operation.again.includes(again.status))
    faults.push(`the second answer is ${wordsOf(again)}: ${service.errors().join('; ')}`)
  return [...faults, ...(await operation.check(service.url, key))]
}

/** What was promised is there when a new process has taken over. */
async function checkAll(
  operation: SystemOperation,
  service: ServiceProcess,
  keys: string[],
  result: FaultsResult
): Promise<void> {
  const place = `${operation.name}, after a restart`
  for (const key of keys)
    for (const fault of await operation.check(service.url, key))
      result.undocumented.push(`${place}: ${fault}`)
  for (const file of await service.leftovers())
    result.leaks.push(`${place}: tmp/${file} is left over`)
}

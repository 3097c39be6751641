/**
 * The service as a process of its own, of which strace fails one system call after the other: each that an operation
 * makes below DATA_DIR, in each way in which the kernel may refuse it. SQLite's calls are among them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDocumented, wordsOf } from '../ask.ts'
import { addMiss, addOutcome, type FaultsResult } from '../result.ts'
import { type Sample, sampled } from '../sample.ts'
import { attach, threadsOf } from './attach.ts'
import { howTo, leavesFile, readCalls, type SystemCall, tracedCalls, waysToFail } from './calls.ts'
import { operations, type SystemOperation } from './operations.ts'
import { createPlace, type Place } from './place.ts'

export async function failSystemCalls(
  result: FaultsResult,
  { only, sample }: { only?: string[]; sample?: Sample } = {}
): Promise<void> {
  const chosen = operations.filter(({ name }) => !only || only.includes(name))
  const folder = await mkdtemp(join(tmpdir(), 'mlflow-jobs-faults-'))
  const place = await createPlace(folder)
  try {
    const done: Done[] = []
    for (const operation of chosen) {
      done.push(await failEach(operation, place, result, sample))
      result.tell()
    }
    await place.service.restart()
    for (const each of done) await checkAgain(each, place, result)
    for (const file of await place.service.leftovers())
      result.leaks.push(`after a restart tmp/${file} is left over`)
  } finally {
    await place.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Done {
  operation: SystemOperation
  keys: string[]
}

async function failEach(
  operation: SystemOperation,
  place: Place,
  result: FaultsResult,
  sample: Sample | undefined
): Promise<Done> {
  const keys: string[] = []
  const nextKey = async () => {
    const key = createKey()
    await operation.prepare?.(place, key)
    keys.push(key)
    return key
  }
  // The first one makes folders and prepares statements.
  const first = await operation.act(place, await nextKey())
  if (!operation.again.includes(first.status))
    throw new Error(`${operation.name}: ${wordsOf(first)} ${JSON.stringify(first.body)}`)
  const calls = await callsOf(operation, place, await nextKey())
  const main = place.service.pid()
  const failures = calls.flatMap(call =>
    waysToFail(call).map(way => ({ call, way, isMain: call.thread === main }))
  )
  for (const failure of sampled(failures, sample))
    await failOnce({ operation, place, ...failure, key: await nextKey() }, result)
  return { operation, keys }
}

let count = 0
/** As long as what comes after "job-" in an id. */
const createKey = () => `${++count}`.padStart(26, '0')

/** Those that the operation makes below the data folder. */
async function callsOf(
  operation: SystemOperation,
  place: Place,
  key: string
): Promise<SystemCall[]> {
  const { service, folder } = place
  const file = join(folder, 'trace')
  const strace = await attach(service.pid(), { calls: tracedCalls, all: true, file })
  await operation.act(place, key)
  const { main, pool } = await threadsOf(service.pid())
  return readCalls(await strace.detach(), service.dataDir).filter(
    ({ place, thread }) => place !== undefined && [main, pool].includes(thread)
  )
}

interface Attempt {
  operation: SystemOperation
  place: Place
  call: SystemCall
  /** Of the thread that runs JavaScript and SQLite. */
  isMain: boolean
  way: string
  key: string
}

async function failOnce(attempt: Attempt, result: FaultsResult): Promise<void> {
  const { operation, place, call, isMain, way, key } = attempt
  const { service } = place
  const before = new Set(await service.leftovers())
  const { main, pool } = await threadsOf(service.pid())
  const thread = isMain ? main : pool
  const strace = await attach(thread, {
    calls: tracedCalls,
    injection: { call: call.name, nth: call.nth, how: howTo(way) },
    file: join(place.folder, 'trace')
  })
  const answer = await operation.act(place, key)
  const log = await strace.detach()
  const calls = readCalls(log, service.dataDir, thread)
  // A call that was begun, and never ended.
  const killed = way === 'kill' && log.includes(') = ?')
  const failed = killed ? calls.at(-1) : calls.find(isInjected)
  if (killed) await service.ended()
  const ended = !service.isAlive()
  if (ended) await service.start()
  else if (answer.status === 0) await service.restart('SIGKILL')
  // The loop works beside it: a call may have come sooner or later than it did, or belong to something else.
  if (failed?.place === undefined) {
    addMiss(result, operation.name)
    const faults = await onceMore(attempt)
    result.undocumented.push(...faults.map(fault => `${operation.name}, a miss: ${fault}`))
    return
  }
  const site = `${operation.name}: ${failed.name} ${failed.place || 'DATA_DIR'}`
  addOutcome(result, site, `${way} -> ${wordsOf(answer)}`)
  const tell = (fault: string) => `${site} (call ${failed.nth}), ${way}: ${fault}`
  const said = service.errors().join('; ')
  if (ended && !killed) result.unhandled.push(tell(`the service has ended: ${said}`))
  if (!ended && !isDocumented(answer))
    result.undocumented.push(tell(`the answer is ${wordsOf(answer)}: ${said}`))
  result.undocumented.push(...(await onceMore(attempt)).map(tell))
  if (leavesFile(failed)) return
  for (const file of await service.leftovers())
    if (!before.has(file)) result.leaks.push(tell(`tmp/${file} is left over`))
}

const isInjected = ({ injected }: SystemCall) => injected

/** While the service goes on: nothing of the failure is left in it. */
async function onceMore({ operation, place, key }: Attempt): Promise<string[]> {
  place.service.errors()
  const again = await operation.act(place, key)
  const faults = operation.again.includes(again.status)
    ? []
    : [`the second answer is ${wordsOf(again)}: ${place.service.errors().join('; ')}`]
  return [...faults, ...(await operation.check(place, key))]
}

/** What was promised is there when a new process has taken over. */
async function checkAgain(
  { operation, keys }: Done,
  place: Place,
  result: FaultsResult
): Promise<void> {
  for (const key of keys.slice(2))
    for (const fault of await operation.check(place, key))
      result.undocumented.push(`${operation.name}, after a restart: ${fault}`)
}

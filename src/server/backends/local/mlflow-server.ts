/** The managed tracking server: one over the data folder, kept up, found again, and at one address as long as that is free. */
import type { ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../../system/free-port.ts'
import {
  endProcess,
  findProcess,
  isAlive,
  lastLines,
  launch,
  type MlflowProcess,
  readRecord
} from './mlflow-process.ts'
import { health, layProof, uriOf } from './mlflow-proof.ts'

export interface MlflowServerOptions {
  /** DATA_DIR: holds mlflow.db, artifacts/, and mlflow-server.json and .log. */
  folder: string
  /** An interpreter that has mlflow. */
  python: string
  /** What the server sees: PATH, locale, time zone. */
  environment: Record<string, string>
  /** What is being done until `ready` answers, in words. */
  onProgress(text: string): void
  /** What happens to it later, in sentences: that it ended, why it does not start, that it is up again. */
  onNotice?(text: string): void
}

export interface MlflowServer {
  /** Its address; null while it is not up. */
  uri(): string | null
  /** Finds or starts it; rejects with the reason when it cannot be started, and may be called again then. */
  ready(): Promise<string>
  /** Asks it now. */
  check(): Promise<boolean>
  /** Ends the watching, and the server unless it is kept. */
  close(options: { keep: boolean }): Promise<void>
}

const pollMilliseconds = 100
const startMilliseconds = 180_000
const watchMilliseconds = 2000
/** A server that is alive but answers nothing for so many looks hangs; a machine under load deserves patience. */
const looksUntilHung = 30
const backoffSeconds = [0, 1, 2, 5, 15, 30]

export function createMlflowServer(options: MlflowServerOptions): MlflowServer {
  const { python, environment, onNotice = () => {} } = options
  const folder = resolve(options.folder)
  const closing = new AbortController()
  const { signal } = closing
  /** The process that this service launched or found, up or not. */
  let current: MlflowProcess | undefined
  let up = false
  /** Until it was up for the first time; later `onNotice` says the rest. */
  let onProgress = options.onProgress
  let bringing: Promise<string> | undefined
  let watching: Promise<void> | undefined

  const bringUp = () => {
    bringing ??= open().finally(() => {
      bringing = undefined
    })
    return bringing
  }

  async function open(): Promise<string> {
    const start = performance.now()
    const isOurs = await layProof(folder)
    const port = (await findAgain(isOurs)) ?? (await startAnew(isOurs))
    signal.throwIfAborted()
    up = true
    watching ??= watch()
    onProgress(`up at ${uriOf(port)} after ${((performance.now() - start) / 1000).toFixed(1)} s`)
    onProgress = () => {}
    return uriOf(port)
  }

  /** Also one that an earlier service started a moment ago and that does not answer yet. */
  async function findAgain(isOurs: Proof): Promise<number | undefined> {
    const found = await findProcess(folder)
    if (!found) return undefined
    current = found
    if (found.python === python) {
      onProgress('waiting for the one that is there already')
      const answers = () => isOurs(found.port)
      if (await waitUntil(answers, () => isAlive(found.pid))) return found.port
    }
    // It hangs, or another mlflow than that of the jobs runs it.
    await endProcess(folder, found.pid)
    return undefined
  }

  async function startAnew(isOurs: Proof): Promise<number> {
    const port = await freePort((current ?? (await readRecord(folder)))?.port)
    onProgress('this takes some ten seconds')
    const child = await launch({ folder, python, port, environment })
    current = { pid: child.pid, port, python }
    const answers = () => isOurs(port)
    if (await waitUntil(answers, () => isRunning(child))) return port
    const ended = isRunning(child) ? 'did not answer in time' : `ended by itself (${endOf(child)})`
    await endProcess(folder, child.pid)
    throw new Error(
      `The mlflow server over ${folder} ${ended}. The end of its log: ${await lastLines(folder)}`
    )
  }

  async function waitUntil(done: () => Promise<boolean>, goesOn: () => boolean): Promise<boolean> {
    for (const until = Date.now() + startMilliseconds; Date.now() < until && goesOn(); ) {
      if (await done()) return true
      await sleep(pollMilliseconds, undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
    return false
  }

  async function watch(): Promise<void> {
    for (let missed = 0; !signal.aborted; ) {
      await sleep(watchMilliseconds, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted || !current) return
      const state = await health(current.port)
      missed = state === 'well' ? 0 : missed + 1
      // Where nobody collects orphans, as in some containers, a group of the dead seems to be alive.
      const ended = state === 'gone' || !isAlive(current.pid)
      if (missed === 0 || (!ended && missed < looksUntilHung)) continue
      up = false
      onNotice(`The mlflow server at ${uriOf(current.port)} ended; it is started again.`)
      await bringUpWithPatience()
      missed = 0
    }
  }

  async function bringUpWithPatience(): Promise<void> {
    for (let tries = 0; !signal.aborted; tries++) {
      const seconds = backoffSeconds[Math.min(tries, backoffSeconds.length - 1)] ?? 0
      await sleep(seconds * 1000, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return
      try {
        return onNotice(`The mlflow server is up again at ${await bringUp()}.`)
      } catch (error) {
        if (!signal.aborted) onNotice((error as Error).message)
      }
    }
  }

  return {
    uri: () => (up && current ? uriOf(current.port) : null),
    ready: async () => (up && current ? uriOf(current.port) : await bringUp()),
    check: async () => up && current !== undefined && (await health(current.port)) === 'well',
    async close({ keep }) {
      closing.abort(new Error('The mlflow server is being closed.'))
      await bringing?.catch(() => {})
      await watching
      up = false
      if (!keep && current) await endProcess(folder, current.pid)
    }
  }
}

type Proof = (port: number) => Promise<boolean>

const isRunning = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode === null && signalCode === null

const endOf = ({ exitCode, signalCode }: ChildProcess) => signalCode ?? `exit code ${exitCode}`

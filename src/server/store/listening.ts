/** One connection that hears of changes (LISTEN). When it is lost it is made again, and everything may have changed meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { reasonOf } from './explain-lost.ts'
import type { Store, StoreListener } from './index.ts'
import { askedChannel, changedChannel } from './postgres-tables.ts'

export interface Listening {
  add: Store['onChange']
  close(): Promise<void>
}

export interface ListeningOptions {
  connection: pg.ClientConfig
  onProblem(text: string): void
}

const retryMilliseconds = 500
/** A server that is gone without a word is found out so. */
const beatMilliseconds = 5_000

/** Connects when there is a first listener. */
export function createListening({ connection, onProblem }: ListeningOptions): Listening {
  const listeners: StoreListener[] = []
  const closing = new AbortController()
  let running: Promise<void> | undefined
  let problem = ''

  const changed = (id?: string) => {
    for (const listener of listeners) listener.changed(id)
  }
  const asked = () => {
    for (const listener of listeners) listener.asked()
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await listen()
      } catch (error) {
        const message = reasonOf(error as Error)
        if (message !== problem)
          onProblem(`Changes by other services are not heard now: ${message}`)
        problem = message
      }
      await pause(retryMilliseconds, closing.signal)
    }
  }

  /** Until the connection is lost, which throws, or it is to close. */
  async function listen(): Promise<void> {
    const client = new pg.Client(connection)
    const lost = new AbortController()
    client.on('error', error => lost.abort(error))
    client.on('end', () => lost.abort(new Error('the connection has ended')))
    client.on('notification', ({ channel, payload }) => {
      if (channel === changedChannel) changed(payload)
      else asked()
    })
    const signal = AbortSignal.any([lost.signal, closing.signal])
    try {
      await client.connect()
      await client.query(`listen ${changedChannel}; listen ${askedChannel}`)
      if (problem) onProblem('Changes by other services are heard again.')
      problem = ''
      changed()
      asked()
      while (!signal.aborted) {
        await pause(beatMilliseconds, signal)
        if (!signal.aborted) await client.query('select 1')
      }
      if (!closing.signal.aborted) throw lost.signal.reason
    } finally {
      await client.end().catch(() => {})
    }
  }

  return {
    add(listener) {
      listeners.push(listener)
      running ??= run()
    },
    async close() {
      closing.abort()
      await running
    }
  }
}

const pause = (milliseconds: number, signal: AbortSignal) =>
  sleep(milliseconds, undefined, { signal }).catch(() => {})

/** Stands between the service and PostgreSQL, and speaks its protocol: the n-th query fails. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Armed, createCountdown } from '../countdown.ts'
import { createReader, errorResponse, readyForQuery } from './messages.ts'

export const ways = ['40001', '57P01', 'reset', 'lost', 'hang'] as const
/**
 * 40001: the server would rather do it again. 57P01: an administrator has ended the connection. reset: it is cut before the
 * query was done; lost: after that, and before its answer. hang: it is never answered.
 */
export type Way = (typeof ways)[number]

/** Queries count. */
export interface SqlProxy extends Armed<Way> {
  url: string
  close(): void
}

export async function createSqlProxy(upstream: string): Promise<SqlProxy> {
  const { hostname, port } = new URL(upstream)
  const countdown = createCountdown<Way>()
  const sockets = new Set<Socket>()

  function next(site: string): Way | undefined {
    const way = countdown.next()
    if (way) countdown.note(site)
    return way
  }

  function serve(client: Socket): void {
    const server = connect(Number(port), hostname)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket)
          cut()
        })
    }
    const cut = () => {
      client.destroy()
      server.destroy()
    }
    let inTransaction = false
    let swallowing = false
    const fromServer = createReader(false)
    const fromClient = createReader(true)
    /** Those of a query that has not ended. */
    let query: Buffer[] = []
    let text = ''

    server.on('data', data => {
      for (const { type, bytes, body } of fromServer(data)) {
        if (type === 'Z') inTransaction = body.toString() !== 'I'
        if (swallowing && type === 'Z') cut()
        else if (!swallowing) client.write(bytes)
      }
    })
    client.on('data', data => {
      for (const { type, bytes, body } of fromClient(data)) {
        query.push(bytes)
        // A statement without a name, and its text.
        if (type === 'P') text = textOf(body.subarray(1))
        if (type === 'Q') text = textOf(body)
        if (type !== 'S' && type !== 'Q' && type !== '' && type !== 'X') continue
        const whole = Buffer.concat(query)
        query = []
        fail(type === 'S' || type === 'Q' ? next(siteOf(text)) : undefined, whole)
      }
    })

    function fail(way: Way | undefined, whole: Buffer): void {
      if (way === 'hang') return
      if (way === 'reset') cut()
      else if (way === '57P01') {
        client.end(
          errorResponse('FATAL', way, 'terminating connection due to administrator command')
        )
        server.destroy()
      } else if (way === '40001') {
        client.write(errorResponse('ERROR', way, 'could not serialize access'))
        client.write(readyForQuery(inTransaction ? 'E' : 'I'))
      } else {
        swallowing ||= way === 'lost'
        server.write(whole)
      }
    }
  }

  const proxy = createServer(serve).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const url = new URL(upstream)
  url.hostname = '127.0.0.1'
  url.port = `${(proxy.address() as AddressInfo).port}`
  return {
    url: url.href,
    arm: countdown.arm,
    disarm: countdown.disarm,
    close() {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

/** Up to its end, a NUL. */
const textOf = (bytes: Buffer) => bytes.subarray(0, bytes.indexOf(0)).toString()

/** What it does to which table: 'update jobs'. */
function siteOf(text: string): string {
  const verb = /^\w+/.exec(text)?.[0]
  const table = /(?:from|into|update) "(\w+)"/.exec(text)?.[1]
  return [verb, table].filter(Boolean).join(' ')
}

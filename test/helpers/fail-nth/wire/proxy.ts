/** Stands between the service and AWS: the n-th request fails, in ways in which the net and AWS fail. */
import { once } from 'node:events'
import {
  request as ask,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type Armed, createCountdown } from '../countdown.ts'
import { type Api, refusalOf } from './refusals.ts'

export const ways = [
  ...(['error', 'busy', 'busy 6 times', 'denied', 'limit'] as const),
  ...(['reset', 'hang', 'lost', 'half'] as const)
]
/**
 * The first ones are answers of AWS in place of its work. reset, hang: it is not done, and the connection is cut, or nothing
 * is said. lost: it is done, and the connection is cut before the answer; half: in the middle of it.
 */
export type Way = (typeof ways)[number]

/** Requests count. */
export interface AwsProxy extends Armed<Way> {
  endpoints: Record<Api, string>
  close(): void
}

export async function createProxy(upstreams: Record<Api, string>): Promise<AwsProxy> {
  const countdown = createCountdown<Way>(way => (way === 'busy 6 times' ? 6 : 1))
  const hanging = new Set<ServerResponse>()

  async function answer(api: Api, request: IncomingMessage, response: ServerResponse) {
    const body = await buffer(request)
    const site = siteOf(api, request)
    const way = countdown.next()
    const fails = () => countdown.note(site)
    const refusal = way && refusalOf(api, way, site)
    if (refusal) {
      fails()
      response.writeHead(refusal.status, { 'content-type': refusal.type })
      response.end(request.method === 'HEAD' ? undefined : refusal.body)
    } else if (way === 'reset') {
      fails()
      request.socket.destroy()
    } else if (way === 'hang') {
      fails()
      hanging.add(response)
    } else {
      const { status, headers, bytes } = await forward(upstreams[api], request, body)
      if (way === 'lost') {
        fails()
        request.socket.destroy()
      } else {
        response.writeHead(status, headers)
        if (way !== 'half' || bytes.length < 2) response.end(bytes)
        else {
          fails()
          response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy())
        }
      }
    }
  }

  const listen = async (api: Api) => {
    const server = createServer((request, response) => {
      answer(api, request, response).catch(() => request.socket.destroy())
    })
    server.keepAliveTimeout = 60_000
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  }
  const [s3, sagemaker] = [await listen('s3'), await listen('sagemaker')]
  return {
    endpoints: { s3: s3.endpoint, sagemaker: sagemaker.endpoint },
    arm: countdown.arm,
    disarm() {
      for (const response of hanging) response.destroy()
      hanging.clear()
      return countdown.disarm()
    },
    close() {
      for (const { server } of [s3, sagemaker]) {
        server.closeAllConnections()
        server.close()
      }
    }
  }
}

interface Forwarded {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
}

async function forward(
  upstream: string,
  request: IncomingMessage,
  body: Buffer
): Promise<Forwarded> {
  const { method, headers, url = '/' } = request
  const asked = ask(new URL(url, upstream), { method, headers: withoutHops(headers) })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const bytes = await buffer(response)
  return { status: response.statusCode ?? 502, headers: withoutHops(response.headers), bytes }
}

/** What is between two neighbours only. */
function withoutHops(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection, 'transfer-encoding': coding, expect, 'keep-alive': keep, ...rest } = headers
  return rest
}

/** Such as "CreateTrainingJob" or "PUT projects/*". */
function siteOf(api: Api, { method, url = '', headers }: IncomingMessage): string {
  if (api === 'sagemaker') return String(headers['x-amz-target']).split('.')[1] ?? ''
  const { pathname, searchParams } = new URL(url, 'http://s3')
  const key = pathname
    .split('/')
    .slice(3)
    .join('/')
    .replace(/job-[0-9a-z]{26}/, '<job>')
    .replace(/[0-9a-f]{64}/, '<digest>')
  const action = ['list-type', 'delete', 'uploads', 'partNumber'].find(name =>
    searchParams.has(name)
  )
  return [method, key, action && `?${action}`].filter(Boolean).join(' ')
}

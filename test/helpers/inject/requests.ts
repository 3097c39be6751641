/** The same texts in headers and addresses of requests: each is answered, by no error of the service, and answered with nothing added. */
import { once } from 'node:events'
import { type IncomingMessage, request, validateHeaderValue } from 'node:http'
import pMap from 'p-map'
import type { InjectResult } from './index.ts'

const concurrency = 8

const headers = [
  'Idempotency-Key',
  'If-None-Match',
  'Prefer',
  'Content-Type',
  'Accept',
  'X-Request-Id',
  'Range',
  'Last-Event-ID',
  'Traceparent',
  'User-Agent',
  'X-Forwarded-For'
]

export async function injectHeaders(
  url: string,
  texts: string[],
  result: InjectResult
): Promise<void> {
  const legal = texts.map(text => Buffer.from(text).toString('latin1')).filter(isHeaderValue)
  const requests = headers.flatMap(name => legal.map(value => ({ name, value })))
  await pMap(
    requests,
    async ({ name, value }) => {
      const fields = { 'Content-Type': 'application/json', [name]: value }
      note(await send(`${url}/jobs?dryRun=true`, 'POST', fields), `${name}: ${value}`, result)
    },
    { concurrency }
  )
}

/** With each text as a part of the path, or as a value of the query. */
export async function injectUrls(
  url: string,
  texts: string[],
  result: InjectResult
): Promise<void> {
  const addresses = (text: string) => [
    `/jobs/${text}`,
    `/jobs/${text}/logs`,
    `/projects/${text}`,
    `/jobs?name=${text}`,
    `/jobs?tag=${text}`,
    `/jobs?tag=a:${text}`,
    `/jobs?cursor=${text}`,
    `/jobs?status=${text}`,
    `/jobs?project=${text}`
  ]
  const legal = texts.filter(text => text.isWellFormed() && text.length < 1000)
  await pMap(
    legal.flatMap(text => addresses(encodeURIComponent(text))),
    async path => note(await send(`${url}${path}`, 'GET', {}), path, result),
    { concurrency }
  )
}

function note(answer: IncomingMessage, what: string, result: InjectResult): void {
  const { statusCode = 0 } = answer
  if (statusCode >= 500) result.broken.push(`${statusCode}: ${what}`)
  else if (answer.headers['x-injected']) result.executed.push(`a header came of ${what}`)
  else if (statusCode >= 400) result.refused++
  else result.carried++
}

function isHeaderValue(value: string): boolean {
  try {
    validateHeaderValue('X', value)
    return value.length < 4000
  } catch {
    return false
  }
}

async function send(
  url: string,
  method: string,
  fields: Record<string, string>
): Promise<IncomingMessage> {
  const sent = request(url, { method, headers: fields })
  sent.end(method === 'POST' ? '{}' : undefined)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return answer
}

/** Takes traces as a collector does: OTLP over HTTP, in JSON. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Test } from 'tap'

export interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  /** 2: of a server, 3: of a client */
  kind: number
  attributes: { key: string; value: Record<string, unknown> }[]
}

export interface Collector {
  /** What the service is to be told. */
  environment: Record<string, string>
  spans: Span[]
  /** All that came, with attributes of the process, too. */
  text(): string
}

interface Traces {
  resourceSpans: { scopeSpans: { spans: Span[] }[] }[]
}

export async function startCollector(t: Test): Promise<Collector> {
  const spans: Span[] = []
  const all: Traces[] = []
  const server = createServer(async (request, response) => {
    const traces = (await json(request)) as Traces
    all.push(traces)
    for (const { scopeSpans } of traces.resourceSpans)
      for (const scope of scopeSpans) spans.push(...scope.spans)
    response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json'
    },
    spans,
    text: () => JSON.stringify(all)
  }
}

export const attribute = ({ attributes }: Span, name: string): unknown =>
  Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0]

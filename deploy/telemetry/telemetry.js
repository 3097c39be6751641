/** Loaded before the service (node --import), it sends traces by OTLP; the variables OTEL_... say where. See docs/operations.md. */
import { subscribe } from 'node:diagnostics_channel'
import { register } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { context } from '@opentelemetry/api'
import { getRPCMetadata } from '@opentelemetry/core'
import { AwsInstrumentation } from '@opentelemetry/instrumentation-aws-sdk'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { PinoInstrumentation } from '@opentelemetry/instrumentation-pino'
import { NodeSDK } from '@opentelemetry/sdk-node'

process.env.OTEL_SERVICE_NAME ??= 'mlflow-jobs'
// For those there are /metrics and standard output.
process.env.OTEL_METRICS_EXPORTER ??= 'none'
process.env.OTEL_LOGS_EXPORTER ??= 'none'

const flushMilliseconds = 2_000

/** They come every few seconds, and say nothing. */
const isWatcher = ({ url = '' }) => /^\/(livez|healthz|readyz|metrics)(\?|$)/.test(url)

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url)
const sdk = new NodeSDK({
  instrumentations: [
    // What the loop asks at each turn belongs to no request, and would be most of what is sent.
    new HttpInstrumentation({
      ignoreIncomingRequestHook: isWatcher,
      requireParentforOutgoingSpans: true
    }),
    new PgInstrumentation({ requireParentSpan: true }),
    new AwsInstrumentation({ suppressInternalInstrumentation: true }),
    // Lines of the log get trace_id and span_id; they stay where they are.
    new PinoInstrumentation({ disableLogSending: true })
  ]
})
sdk.start()

subscribe('fastify.initialization', ({ fastify }) => {
  // A span is named after its route, never after an address.
  fastify.addHook('onRequest', async ({ routeOptions }) => {
    const rpc = getRPCMetadata(context.active())
    if (rpc) rpc.route = routeOptions.url
  })
  // What is still to be sent is sent; a collector that is away does not hold up the end.
  fastify.addHook('onClose', () => Promise.race([sdk.shutdown(), sleep(flushMilliseconds)]))
})

/** AWS's JSON protocol 1.1 on loopback: a request is an operation and a JSON object. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from './calls.ts'
import type { Failure, Knobs } from './knobs.ts'
import { errorBody, ServiceError } from './service-error.ts'
import type { ServiceModel } from './service-model.ts'
import { validateShape } from './validate-shape.ts'

/** Answers the output; undefined is an empty body, as of StopTrainingJob. */
export type Operation = (input: never) => Promise<object | undefined> | object | undefined

export interface WireOptions {
  models: ServiceModel[]
  operations: Record<string, Operation>
  knobs: Knobs
  /** Numbers from 0 to 1. */
  random(): number
  calls: Call[]
}

export function createWire(options: WireOptions) {
  const { knobs, calls, random } = options
  return createServer((request, response) => void answer(request, response))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return
    const target = String(request.headers['x-amz-target'] ?? '')
    const operation = target.split('.')[1] ?? target
    const at = Date.now()
    const call: Call = { operation, at, outcome: 'ok', worked: false, ...jobNameIn(body) }
    const failure = nextFailure(operation)
    try {
      await sleep(knobs.latencyMilliseconds)
      const isLate = knobs.lateMilliseconds > 0 && isLost(operation)
      if (isLate) {
        request.socket.destroy()
        await sleep(knobs.lateMilliseconds, undefined, { ref: false })
      }
      if (failure && !failure.after) throw serviceFault(failure)
      const output = await handle(request, target, operation, body)
      call.worked = true
      if (failure) throw serviceFault(failure)
      if (isLate || isLost(operation)) call.outcome = 'lost'
      else send(response, 200, output === undefined ? '' : JSON.stringify(output))
    } catch (error) {
      const refusal =
        error instanceof ServiceError
          ? error
          : new ServiceError('InternalFailure', String((error as Error).stack), 500)
      call.outcome = refusal.name
      send(response, refusal.status, errorBody(refusal))
    }
    calls.push(call)
    if (call.outcome === 'lost') request.socket.destroy()
  }

  async function handle(
    request: IncomingMessage,
    target: string,
    operation: string,
    body: string
  ): Promise<object | undefined> {
    const model = options.models.find(({ metadata }) =>
      target.startsWith(`${metadata.targetPrefix}.`)
    )
    const shape = model?.operations[operation]?.input?.shape
    const run = options.operations[operation]
    if (!model || !shape || !run)
      throw new ServiceError('UnknownOperationException', `There is no operation ${target} here.`)
    refuseUnsigned(request)
    refuseDenied(operation)
    if (isThrottled(operation)) throw new ServiceError('ThrottlingException', 'Rate exceeded')
    const input = parse(body)
    validateShape(model, shape, input)
    return run(input as never)
  }

  function refuseDenied(operation: string): void {
    if (!knobs.denied.includes(operation)) return
    const caller = `arn:aws:sts::${knobs.account}:assumed-role/service/session`
    throw new ServiceError(
      'AccessDeniedException',
      `User: ${caller} is not authorized to perform: sagemaker:${operation} because no identity-based policy allows the sagemaker:${operation} action`
    )
  }

  function nextFailure(operation: string): Failure | undefined {
    const next = knobs.failNext[operation]?.shift()
    if (next || random() >= knobs.fail) return next
    return { status: random() < 0.5 ? 500 : 503, ...(random() < 0.5 ? { after: true } : {}) }
  }

  function isThrottled(operation: string): boolean {
    const left = knobs.throttleNext[operation] ?? 0
    if (left > 0) knobs.throttleNext[operation] = left - 1
    return left > 0 || random() < knobs.throttle
  }

  function isLost(operation: string): boolean {
    if (operation !== 'CreateTrainingJob') return false
    if (knobs.loseNext > 0) {
      knobs.loseNext--
      return true
    }
    return random() < knobs.lostAnswers
  }
}

const faults = {
  408: ['RequestTimeoutException', 'The request took too long.'],
  500: ['InternalFailure', 'An internal error occurred.'],
  503: ['ServiceUnavailable', 'The service is unavailable.']
} as const

function serviceFault({ status }: Failure): ServiceError {
  const [name, message] = faults[status]
  return new ServiceError(name, message, status)
}

/** Signatures are not checked, but a request without one would never come through. */
function refuseUnsigned({ headers }: IncomingMessage): void {
  if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=')) return
  throw new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403)
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new ServiceError('SerializationException', 'The request body is not JSON.')
  }
}

function jobNameIn(body: string): { jobName?: string } {
  const name = /"TrainingJobName":"([^"]*)"/.exec(body)?.[1]
  return name === undefined ? {} : { jobName: name }
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'Content-Type': 'application/x-amz-json-1.1',
    'x-amzn-RequestId': randomUUID()
  })
  response.end(body)
}

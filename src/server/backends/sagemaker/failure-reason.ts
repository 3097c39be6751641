/** What SageMaker's FailureReason says, and whose fault it is. */
import { plainFailure } from '../../../contract/plain-failure.ts'
import type { Failure } from '../../../contract/run-report.ts'

/**
 * Its observed shapes: `AlgorithmError: <the container's failure file>, exit code: 1`, `ClientError: ...`,
 * `InternalServerError: ...`, `CapacityError: ...`. Anything else is the platform's, in its own words.
 */
export function readFailureReason(reason: string | undefined): Failure {
  const text = reason?.trim()
  if (!text) return plainFailure('platform', 'SageMaker ended the job and gives no reason.')
  const [, error, said = '', code] =
    text.match(/^(\w+Error): ?(.*?)(?:, exit code: (\d+))?$/s) ?? []
  const exitCode = code === undefined ? null : Number(code)
  switch (error) {
    case 'AlgorithmError':
      return { ...algorithmError(said, exitCode), exitCode }
    case 'ClientError':
      return plainFailure(isOperators(said) ? 'platform' : 'user', said || text)
    case 'CapacityError':
      return plainFailure('capacity', said || text)
    default:
      return plainFailure('platform', text)
  }
}

/**
 * Where the image, the role or the network is at fault, the job's owner is not. What a URI or an ARN is made of says nothing,
 * and of input data that is not there SageMaker says what its role would have to be allowed, too.
 */
const isOperators = (said: string) =>
  !/no S3 objects found/i.test(said) &&
  operatorsWords.test(said.replace(/\b(\w+:\/\/|arn:)\S+/g, ''))

const operatorsWords =
  /\b(image|repository|ECR|role|permissions?|access denied|AccessDenied|not authorized|subnets?|VPC|security groups?|KMS)\b/i

/** The container's own words: `ValueError: message`, then where, then the end of a traceback (runtime/write-results.ts). */
function algorithmError(said: string, exitCode: number | null): Failure {
  if (!said || /^Exit Code: \d+$/i.test(said))
    return plainFailure(
      'user',
      `The container ended${withCode(said, exitCode)} and left no reason; its log says more.`
    )
  const [cause = said, ...traceback] = said.split('\n\n')
  const [, type = null, message = cause] =
    cause.match(/^((?:\w+\.)*\w*(?:Error|Exception)): (.*)$/s) ?? []
  const [, before, file, line] = message.match(/^(.*)\n\(([^\n]+?)(?:, line (\d+))?\)$/s) ?? []
  return {
    kind: 'user',
    type,
    message: before ?? message,
    file: file ?? null,
    line: line === undefined ? null : Number(line),
    traceback: traceback.length > 0 ? traceback.join('\n\n') : null,
    exitCode
  }
}

function withCode(said: string, exitCode: number | null): string {
  const code = exitCode ?? Number(said.match(/\d+/)?.[0] ?? Number.NaN)
  if (Number.isNaN(code)) return ''
  return ` with exit code ${code}${code === 137 ? ' (killed, usually because memory ran out)' : ''}`
}

/** AWS Secrets Manager on the wire: GetSecretValue alone, and as strict as the service with what it is sent. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export interface SecretsManager {
  /** What a client of it needs, in any language. */
  environment: Record<string, string>
  /** ARN -> value; null: the caller may not read it. Bytes are a secret without text. */
  secrets: Map<string, string | Buffer | null>
  /** The ARNs that were asked for. */
  asked: string[]
  stop(): void
}

export async function startSecretsManager(
  secrets: [arn: string, value: string | Buffer | null][] = []
): Promise<SecretsManager> {
  const known = new Map(secrets)
  const asked: string[] = []
  const server = createServer((request, response) => {
    void answer(request, known, asked).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    environment: { AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${port}` },
    secrets: known,
    asked,
    stop() {
      server.closeAllConnections()
      server.close()
    }
  }
}

type Answer = [status: number, body: object]

async function answer(
  request: IncomingMessage,
  secrets: SecretsManager['secrets'],
  asked: string[]
): Promise<Answer> {
  const { method, headers } = request
  const body = (await json(request).catch(() => undefined)) as Record<string, unknown> | undefined
  if (method !== 'POST' || headers['x-amz-target'] !== 'secretsmanager.GetSecretValue')
    return refusal('UnknownOperationException', 'There is GetSecretValue here, and nothing else.')
  if (headers['content-type'] !== 'application/x-amz-json-1.1' || body === undefined)
    return refusal('SerializationException', 'The request is no JSON of AWS.')
  const id = body.SecretId
  if (typeof id !== 'string' || Object.keys(body).some(name => !members.includes(name)))
    return refusal('ValidationException', 'SecretId is missing, or there is something strange.')
  const [, , , region, , , name = ''] = id.split(':')
  const signed = new RegExp(
    `^AWS4-HMAC-SHA256 Credential=[^/]+/\\d{8}/${region}/secretsmanager/aws4_request, `
  )
  if (!signed.test(headers.authorization ?? ''))
    return refusal('InvalidSignatureException', `The request is not signed for ${region}.`)
  asked.push(id)
  const value = secrets.get(id)
  if (value === undefined)
    return refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  if (value === null)
    return refusal(
      'AccessDeniedException',
      `User: arn:aws:sts::123456789012:assumed-role/training/SageMaker is not authorized to perform: secretsmanager:GetSecretValue on resource: ${id}`
    )
  const part =
    typeof value === 'string' ? { SecretString: value } : { SecretBinary: value.toString('base64') }
  return [200, { ARN: id, Name: name, VersionId: 'v1', VersionStages: ['AWSCURRENT'], ...part }]
}

const members = ['SecretId', 'VersionId', 'VersionStage']

const refusal = (type: string, message: string): Answer => [400, { __type: type, Message: message }]
